"""Every limit of a route. Source: contract/api-v2.md, section 1.5, and contract/api-v1.md.

An address stands here as the framework's routes have it, with `{}` for what is different from call to call; it may
be one that this server does not have yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

SECOND, MINUTE, HOUR = 1, 60, 3600
UNITS = {SECOND: "second", MINUTE: "minute", HOUR: "hour"}

By = Literal["address", "path", "key"]
"""What a caller is counted by: the address alone; address, method and whole path; API key, method and whole path."""


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls within one window."""

    amount: int
    per_s: int
    by: By = "address"
    privileged: int = 0
    """The amount for addresses from which somebody trusted asked for something within a day; 0: no other."""
    anonymous: int = 0
    """The amount for the key that everybody shares; 0: no other."""

    def text(self, amount: int) -> str:
        """The limit as the contract words it in the answer 429."""
        return f"{amount} per 1 {UNITS[self.per_s]}"


Limits = tuple[Limit, ...]

DEFAULT: Final[Limits] = (Limit(90, MINUTE),)
"""Of every address of the API and every page that has no other, for each by itself."""
NO_LIMIT: Final[Limits] = ()

ASKING = frozenset({"/api/v2/generate/async", "/api/v2/generate/text/async"})
"""Where an account of standing, asking for something, gains its address a day of larger limits."""
ASK = (
    Limit(90, MINUTE, "path", privileged=300),
    Limit(2, SECOND, "path", privileged=10),
    Limit(2, SECOND, "key", privileged=60, anonymous=60),
)
WORK = (Limit(60, SECOND),)
STYLES = (Limit(90, MINUTE, "path", privileged=300), Limit(2, SECOND, "path", privileged=10))
SELDOM = (Limit(20, HOUR, "path"), Limit(2, SECOND, "path", privileged=10))
MODES = (Limit(30, MINUTE),)
OLD_THIRTY = (Limit(30, MINUTE),)
"""Of v1, which counts by address alone."""
THIRTY = (Limit(30, MINUTE, "path"),)

ANY = "*"
"""All methods of an address."""
OWN: Final[dict[tuple[str, str], Limits]] = {
    ("POST", "/api/v2/generate/async"): ASK,
    ("POST", "/api/v2/generate/text/async"): ASK,
    (ANY, "/api/v2/generate/status/{}"): (Limit(10, MINUTE, "path"),),
    ("GET", "/api/v2/generate/check/{}"): (Limit(10, SECOND, "path"),),
    (ANY, "/api/v2/generate/text/status/{}"): (Limit(60, MINUTE, "path"),),
    ("POST", "/api/v2/generate/pop"): WORK,
    ("POST", "/api/v2/generate/submit"): WORK,
    ("POST", "/api/v2/generate/text/pop"): WORK,
    ("POST", "/api/v2/generate/text/submit"): WORK,
    ("POST", "/api/v2/interrogate/pop"): WORK,
    ("POST", "/api/v2/interrogate/submit"): WORK,
    ("POST", "/api/jobs/{}/progress"): WORK,
    ("GET", "/api/requests/{}/progress"): (Limit(10, SECOND, "path"),),
    (ANY, "/api/v2/interrogate/status/{}"): (Limit(10, SECOND, "path"),),
    ("POST", "/api/v2/generate/rate/{}"): (Limit(5, MINUTE, "path"),),
    (ANY, "/api/v2/styles/image"): STYLES,
    ("POST", "/api/v2/styles/image/{}/example"): STYLES,
    (ANY, "/api/v2/collections"): STYLES,
    (ANY, "/api/v2/collections/{}"): STYLES,
    (ANY, "/api/v2/styles/text/{}"): STYLES,
    (ANY, "/api/v2/styles/text"): SELDOM,
    (ANY, "/api/v2/styles/image/{}"): SELDOM,
    ("POST", "/api/v2/kudos/transfer"): (Limit(1, SECOND, "key"), Limit(90, HOUR, "key", privileged=600)),
    (ANY, "/api/v2/users/{}"): (Limit(60, MINUTE, "path"),),
    (ANY, "/api/v2/workers/{}"): THIRTY,
    (ANY, "/api/v2/teams"): THIRTY,
    (ANY, "/api/v2/teams/{}"): THIRTY,
    ("PUT", "/api/v2/sharedkeys"): (Limit(5, MINUTE, "path"),),
    (ANY, "/api/v2/status/modes"): MODES,
    ("GET", "/api/v2/status/heartbeat"): NO_LIMIT,
    ("GET", "/api/v1/generate/check/{}"): (Limit(10, SECOND),),
    ("GET", "/api/v1/generate/prompt/{}"): (Limit(2, MINUTE, "path"),),
    ("POST", "/api/v1/generate/pop"): (Limit(45, SECOND),),
    (ANY, "/api/v1/users/{}"): OLD_THIRTY,
    (ANY, "/api/v1/servers/{}"): OLD_THIRTY,
    ("PUT", "/api/v1/admin/maintenance"): OLD_THIRTY,
    # Not of the reference: whoever holds a signed link may use it, and files of ours cost nearly nothing.
    (ANY, "/api/files/{}"): NO_LIMIT,
    (ANY, "/api/assets/{}"): NO_LIMIT,
}


def limits_of(method: str, endpoint: str) -> Limits:
    """The limits of a method at an address."""
    found = OWN.get((method, endpoint))
    return found if found is not None else OWN.get((ANY, endpoint), DEFAULT)
