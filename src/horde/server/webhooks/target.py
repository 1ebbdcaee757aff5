"""Where a message may be sent: what is refused before a request is taken, without asking the network."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from horde.errors import BadInput
from horde.net.addresses import is_private_literal
from horde.server.settings import Settings

HTTPS_ONLY = "A webhook must start with https://."


def check_target(settings: Settings, url: str) -> None:
    """Raises BadInput for what can never be told anything here.

    What a name stands for is looked at when something is sent: it may be another address then.
    """
    takes_any = settings.webhook_targets == "any"
    if not url.startswith(("https://", "http://") if takes_any else "https://"):
        raise BadInput(HTTPS_ONLY)
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise BadInput(f"The webhook {url[:80]!r} is not an address that can be called.") from None
    if not host:
        raise BadInput(f"The webhook {url[:80]!r} names no host.")
    if parts.username is not None or parts.password is not None:
        raise BadInput("A webhook must not hold a user name or a password.", hint="check the signature instead.")
    if not takes_any and (host == "localhost" or host.endswith(".localhost") or is_private_literal(host)):
        raise BadInput(
            f"The webhook's host {host[:80]} is not public.",
            hint="an operator of a private horde sets HORDE_WEBHOOK_TARGETS=any.",
        )
