"""How long what is being made will still take, so that the next job is fetched in time and not much earlier.

A job that waits here waits where no other worker can take it.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

RECENT_SHARE = 0.3
"""Weight of the latest job in the usual duration: a few jobs are enough to follow a change of model or size."""
SHARE_MIN = 0.02
"""Progress below this says too little of the rest."""


@dataclass(slots=True)
class _Making:
    begun_s: float
    share: float = 0.0


class Pace:
    """Watches batches by any key; times are seconds of one clock."""

    def __init__(self) -> None:
        self._usual_s: float | None = None
        self._making: dict[object, _Making] = {}

    @property
    def being_made(self) -> int:
        """How many."""
        return len(self._making)

    def begin(self, key: object, now_s: float) -> None:
        """It is being made from now on."""
        self._making[key] = _Making(now_s)

    def progress(self, key: object, share: float) -> None:
        """How much of it is made, from 0 to 1. Unknown keys are ignored: a late word of something that ended."""
        if key in self._making:
            self._making[key].share = share

    def end(self, key: object, now_s: float) -> None:
        """It is made, or came to nothing. Safe to call twice."""
        if (making := self._making.pop(key, None)) is None:
            return
        took_s = now_s - making.begun_s
        usual_s = took_s if self._usual_s is None else self._usual_s
        self._usual_s = usual_s + RECENT_SHARE * (took_s - usual_s)

    def left_s(self, now_s: float, *, at_once: int = 1, waiting: int = 0) -> float | None:
        """Seconds until a turn comes for one more, where `waiting` stand before it; None: nobody knows.

        Counts on the progress of what is being made, else on what was usual; `at_once` are made at the same time.
        """
        ends_s = [self._left_s(making, now_s) for making in self._making.values()]
        ends_s += [0.0] * (at_once - len(ends_s))
        heapq.heapify(ends_s)
        usual_s = math.inf if self._usual_s is None else self._usual_s
        for _ in range(waiting):
            heapq.heapreplace(ends_s, ends_s[0] + usual_s)
        return ends_s[0] if ends_s[0] < math.inf else None

    def _left_s(self, making: _Making, now_s: float) -> float:
        took_s = now_s - making.begun_s
        if making.share >= SHARE_MIN:
            return took_s * (1 - making.share) / making.share
        return math.inf if self._usual_s is None else max(0.0, self._usual_s - took_s)
