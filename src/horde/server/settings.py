"""What an operator can set, and the only place of the server that reads the environment.

Each field is read from `HORDE_<FIELD>`, upper case; `DATABASE_URL` keeps its customary name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from platformdirs import site_state_path, user_data_path

from horde.environment import Naming, read_settings

Network = IPv4Network | IPv6Network
APP_NAME = "stable-horde"
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7001
"""The port that local profiles of existing clients already point at (contract/clients.md, section 9)."""

NAMING = Naming("HORDE_", {"database_url": "DATABASE_URL"})


def default_data_dir() -> Path:
    """Where an embedded horde keeps its database and pictures when nobody said where.

    Root gets the machine's own place: PostgreSQL refuses to run as root, and the account it runs as
    instead cannot enter root's home.
    """
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return site_state_path(APP_NAME) if is_root else user_data_path(APP_NAME)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the server reads from outside, checked once at the start."""

    database_url: str = ""
    """PostgreSQL >= 15. Empty: the server starts its own in `data_dir` (`horde up`)."""
    data_dir: Path = msgspec.field(default_factory=default_data_dir)
    """Pictures (`objects/`) and the embedded database (`postgres/`)."""
    host: str = DEFAULT_HOST
    port: Annotated[int, Meta(ge=1, le=65535)] = DEFAULT_PORT
    public_url: str = ""
    """How the outside reaches this server, without a trailing slash. Empty: taken from each request's Host header."""
    documents_dir: Path | None = None
    """Folder with what you have to say: `terms.md`, `privacy.md`, `sponsors.md`, `news.json`
    (docs/concepts/documents.md). Not set: texts that say there is nothing, and no news."""
    test_apikeys: bool = False
    """Whether programs on this machine may make accounts with any role at /api/v2/dev/test-user. For tests of clients
    only: never where others can reach the server."""
    require_matched_targeting: bool = False
    """Whether a request that lists workers is served only by those of them that serve its user first."""
    upfront_kudos: Literal["on", "off"] = "on"
    """Whether who asks for much must have the kudos for all of it (docs/concepts/kudos.md); `off` suits a private
    horde, where everybody may ask for everything, so `horde up` has it off unless it is said."""
    upfront_kudos_on_workerlist: bool = False
    """Whether also who asks for certain workers must."""
    kudos_trust_threshold: Annotated[float, Meta(ge=0, le=1e12)] | None = None
    """Who has more kudos than this in escrow, in an account of seven days at least, is trusted; not set: nobody is."""
    anonymous_workers: bool = True
    """Whether the anonymous key may also serve, not only ask."""
    invite_only: bool = False
    """Whether new workers need an invitation: an account has as many as `users.worker_invited` says, at first none."""
    workers_max: Annotated[int, Meta(ge=0, le=1_000_000)] = 4
    """How many workers an account may have, and how many may come from one public address
    (docs/decisions/limits-on-new-workers.md)."""
    workers_max_trusted: Annotated[int, Meta(ge=0, le=1_000_000)] = 21
    """The same for a trusted account."""
    trusted_proxies: str = ""
    """Addresses or networks of the reverse proxies before this server, separated by commas: the last address that they
    put into X-Forwarded-For is the caller's. Empty: nobody's X-Forwarded-For is believed."""
    source_urls: Literal["on", "off"] = "on"
    """Whether source images are fetched where a request names a URL instead of sending them."""
    source_url_networks: str = ""
    """Networks of your own from which they may be fetched too, separated by commas, such as `192.168.1.0/24`; whoever
    may ask can then have the server look at every address in them. Empty: the public internet alone."""
    rate_limits: Literal["on", "off"] = "on"
    """Whether callers are kept from calling too often (docs/decisions/rate-limits.md); `off` suits a private horde, so
    `horde up` has it off unless it is said, and measurements."""
    rate_limit_factor: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    """What every limit is multiplied by."""
    webhook_targets: Literal["public", "any"] = "public"
    """Where webhooks may go: `public`, https to hosts that all of the Internet can reach; `any`, also http and hosts in
    your own network, for a private horde whose users you trust with that (docs/concepts/webhooks.md)."""
    database_connections: Annotated[int, Meta(ge=2, le=200)] = 10
    """Upper bound of the connection pool of one server process."""
    lease_s_min: Annotated[int, Meta(ge=1, le=3600)] = 150
    """Shortest lease of an image job in seconds (contract/lifecycle.md, section 7: minimum 150)."""
    duty_period_s: Annotated[float, Meta(gt=0, le=3600)] = 5.0
    """How often lost leases and expired requests are looked for."""
    refresh_s: Annotated[float, Meta(ge=0, le=60)] = 1.0
    """How old a process's picture of the queue and of the workers may be; 0: taken anew for every call."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    def __post_init__(self) -> None:
        try:
            self.source_networks  # noqa: B018 - what cannot be read is told at the start
        except ValueError as error:
            raise ValueError(f"{error} - at `$.source_url_networks`") from error

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **flags: object) -> Settings:
        """Read the settings; a flag that is not None wins over the environment.

        Raises BadSetting for a value that cannot be read.
        """
        return read_settings(cls, os.environ if environment is None else environment, NAMING, flags)

    @property
    def source_networks(self) -> list[Network]:
        """`source_url_networks`, read."""
        return [ip_network(text.strip()) for text in self.source_url_networks.split(",") if text.strip()]

    @property
    def objects_dir(self) -> Path:
        """The folder of pictures."""
        return self.data_dir / "objects"


def is_set(setting: str) -> bool:
    """Whether the environment says something of a setting."""
    return bool(os.environ.get(NAMING.variable(setting)))


def child_environment(**settings: object) -> dict[str, str]:
    """The environment for a process that we start: ours, with each named setting put in, or taken out where None."""
    environment = dict(os.environ)
    for name, value in settings.items():
        key = NAMING.variable(name)
        environment.pop(key, None)
        if value is not None:
            environment[key] = str(value)
    return environment
