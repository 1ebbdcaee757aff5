"""Counts calls in fixed windows, in this process alone.

What is forgotten at a restart, or counted apart on another node, lets somebody call more often for a while and harms
nobody (docs/decisions/rate-limits.md).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from horde.server.accounts.keys import ANONYMOUS_KEY
from horde.server.api.edge.limits_table import UNITS, Limit, Limits

COUNTERS_MAX = 100_000
"""Counters at once of a process for each length of windows, 17 MB (benchmarks/limits.py). Past them the oldest are
forgotten."""
PRIVILEGED_FOR_S = 24 * 60 * 60
PRIVILEGED_MAX = 10_000
ANONYMOUS = ANONYMOUS_KEY.encode()


@dataclass(frozen=True, slots=True)
class Counted:
    """How a call stands with the limit that is nearest to its end, or that it broke."""

    limit: Limit
    amount: int
    left: int
    """Calls that are left in this window; below 0: this one was one too many."""
    ends_at: float

    def headers(self, now: float) -> list[tuple[bytes, bytes]]:
        """What the caller is told."""
        # Rounded up: who comes back a fraction of a second too early would be refused again.
        return [
            (b"x-ratelimit-limit", b"%d" % self.amount),
            (b"x-ratelimit-remaining", b"%d" % max(0, self.left)),
            (b"x-ratelimit-reset", b"%d" % math.ceil(self.ends_at)),
            (b"retry-after", b"%d" % max(1, math.ceil(self.ends_at - now))),
        ]


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls what."""

    address: str
    method: str
    path: str
    key: bytes


class Windows:
    """Counters of windows that are all equally long.

    The younger half takes what is new. When it is as old as a window, or full, it becomes the older half, whose own
    windows are over then: so nothing need be looked for that is to be forgotten.
    """

    def __init__(self, per_s: int, *, size: int) -> None:
        self._per_s = per_s
        self._half = size // 2
        self._young: dict[int, tuple[float, int]] = {}
        self._old: dict[int, tuple[float, int]] = {}
        self._turns_at = 0.0

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def count(self, key: int, now: float) -> tuple[float, int]:
        """When this key's window ends, and how many calls it had with this one."""
        if now >= self._turns_at or len(self._young) >= self._half:
            self._old, self._young, self._turns_at = self._young, {}, now + self._per_s
        found = self._young.get(key) or self._old.get(key)
        if found is None or found[0] <= now:
            found = (now + self._per_s, 0)
        counted = self._young[key] = (found[0], found[1] + 1)
        return counted


class Counters:
    """All counters of a process. `factor` multiplies every limit."""

    def __init__(self, *, factor: float = 1, now: Callable[[], float] = time.time, size: int = COUNTERS_MAX) -> None:
        self.now = now
        self._factor = factor
        self._windows = {per_s: Windows(per_s, size=size) for per_s in UNITS}
        self._privileged: dict[str, float] = {}

    def __len__(self) -> int:
        return sum(map(len, self._windows.values()))

    def privilege(self, address: str) -> None:
        """Let that address call more often for a day."""
        self._privileged.pop(address, None)
        if len(self._privileged) >= PRIVILEGED_MAX:
            del self._privileged[next(iter(self._privileged))]
        self._privileged[address] = self.now() + PRIVILEGED_FOR_S

    def count(self, endpoint: str, limits: Limits, call: Call) -> Counted | None:
        """Count a call. Stops at the first limit that it breaks; None where there is no limit."""
        nearest: Counted | None = None
        now = self.now()
        for number, limit in enumerate(limits):
            amount = self._amount(limit, call, now)
            # The hash stands for the key: it is small however long a path is, and holds no API key. Its seed is secret
            # to the process, so nobody can aim at another's counter.
            key = hash((endpoint, number, *_counted_by(limit, call)))
            ends_at, calls = self._windows[limit.per_s].count(key, now)
            if nearest is None or amount - calls < nearest.left:
                nearest = Counted(limit, amount, amount - calls, ends_at)
            if calls > amount:
                break
        return nearest

    def _amount(self, limit: Limit, call: Call, now: float) -> int:
        amount = limit.amount
        if limit.privileged and self._privileged.get(call.address, 0) > now:
            amount = limit.privileged
        elif limit.anonymous and call.key == ANONYMOUS:
            amount = limit.anonymous
        return max(1, round(amount * self._factor))


def _counted_by(limit: Limit, call: Call) -> tuple[object, ...]:
    match limit.by:
        case "address":
            return (call.address,)
        case "path":
            return (call.address, call.method, call.path)
        case "key":
            return (call.key, call.method, call.path)
