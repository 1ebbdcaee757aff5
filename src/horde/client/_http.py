"""What both clients do alike on the wire: how long they wait, past which proxies they go, what silence means."""

from __future__ import annotations

from typing import Final

import httpx

from horde.client._retry import Failed
from horde.client.errors import Unreachable

CONNECT_S_MAX = 10.0
SILENCE_S_MAX = 30.0
"""How long a server may say nothing that was not asked to hold its answer back."""

DIRECT: Final[dict[str, None]] = {f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")}
"""Proxies of the environment are used for all hosts but these: no proxy can reach a horde on one's own machine."""


def patience(hold_s: float) -> httpx.Timeout:
    """How long to wait for the answer to a call that the server may hold for `hold_s` seconds."""
    return httpx.Timeout(SILENCE_S_MAX + hold_s, connect=CONNECT_S_MAX)


def unanswered(url: str, error: httpx.TransportError) -> Failed:
    """The failure of a call that brought no answer; the query of a link is left out, for it may be a secret."""
    place = httpx.URL(url).copy_with(query=None, fragment=None)
    reason = str(error) or type(error).__name__
    return Failed(Unreachable(f"{place.scheme}://{place.netloc.decode()} does not answer: {reason}."))
