"""When a machine will be free for one more job, so that it is fetched in time and not much earlier.

A job that waits here waits where no other worker can take it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import inf, isinf

RECENT_SHARE = 0.3
"""Weight of the latest job in the usual duration: a few jobs are enough to follow a change of model or size."""
SHARE_MIN = 0.02
"""Progress below this says too little of the rest."""


@dataclass(slots=True)
class _Making:
    begun_s: float
    share: float = 0.0
    machine: int | None = None


class Pace:
    """Watches batches by any key, on several machines at the same time; times are seconds of one clock."""

    def __init__(self) -> None:
        self._usual_s: dict[int | None, float] = {}
        """What a batch takes on each machine; None: on any of them."""
        self._making: dict[object, _Making] = {}

    def begin(self, key: object, now_s: float) -> None:
        """It is being made from now on."""
        self._making[key] = _Making(now_s)

    def progress(self, key: object, share: float, machine: int | None = None) -> None:
        """How much of it is made, from 0 to 1, and by which machine, where that is known.

        Unknown keys are ignored: a late word of something that ended.
        """
        if key in self._making:
            self._making[key].share = share
            self._making[key].machine = machine

    def end(self, key: object, now_s: float) -> None:
        """It is made, or came to nothing. Safe to call twice."""
        if (making := self._making.pop(key, None)) is None:
            return
        took_s = now_s - making.begun_s
        for machine in {making.machine, None}:
            usual_s = self._usual_s.get(machine, took_s)
            self._usual_s[machine] = usual_s + RECENT_SHARE * (took_s - usual_s)

    def is_making(self, key: object) -> bool:
        """Whether it has begun and not ended."""
        return key in self._making

    def free_s(self, now_s: float, *, machines: int = 1, waiting: int = 0) -> float | None:
        """Seconds until one of so many machines is free for one more batch; None: nobody knows.

        Before it come those that wait already, each for the machine that is free first. What is being made ends by
        its own progress, else after what is usual on its machine.
        """
        free = [(self._left_s(making, now_s), self._usual(making.machine)) for making in self._making.values()]
        free += [(0.0, self._usual(None))] * (machines - len(free))
        # More is made than there are machines, when one of them has gone: the first that ends makes no room.
        free = sorted(free)[max(0, len(free) - machines) :]
        for _ in range(waiting):
            at_s, usual_s = free[0]
            heapq.heapreplace(free, (at_s + usual_s, usual_s))
        return None if isinf(free[0][0]) else free[0][0]

    def _left_s(self, making: _Making, now_s: float) -> float:
        took_s = now_s - making.begun_s
        if making.share >= SHARE_MIN:
            return took_s * (1 - making.share) / making.share
        return max(0.0, self._usual(making.machine) - took_s)

    def _usual(self, machine: int | None) -> float:
        return self._usual_s.get(machine, self._usual_s.get(None, inf))
