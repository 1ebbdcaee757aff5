"""Who may use the machine now: so many at a time, those first who came first; the urgent go before all others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


class Preempted(Exception):
    """The machine was taken away in the middle of a turn, for something urgent."""


@dataclass(slots=True, eq=False)
class _Turn:
    is_urgent: bool
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ends: asyncio.Timeout | None = None
    is_taken_away: bool = False


class Turns:
    """Hands out turns, at most `count` at a time."""

    def __init__(self, count: int) -> None:
        assert count >= 1, count
        self.count = count
        self._running: list[_Turn] = []
        self._urgent: deque[_Turn] = deque()
        self._others: deque[_Turn] = deque()

    def resize(self, count: int) -> None:
        """So many at a time from now on: more begin at once, fewer as turns end."""
        assert count >= 1, count
        self.count = count
        self._begin()

    @asynccontextmanager
    async def turn(self, *, is_urgent: bool = False) -> AsyncIterator[None]:
        """Wait for a turn and have it until the block ends.

        One that is urgent ends the youngest turn that is not, unless a place is free; raises Preempted in that one,
        whose block was cancelled.
        """
        turn = _Turn(is_urgent)
        queue = self._urgent if is_urgent else self._others
        queue.append(turn)
        self._begin()
        if is_urgent and not turn.begun.is_set():
            self._take_away()
        try:
            await turn.begun.wait()
        except BaseException:
            if turn in queue:
                queue.remove(turn)
            else:
                self._end(turn)
            raise
        try:
            async with asyncio.timeout(None) as turn.ends:
                yield
        except TimeoutError as error:
            if not (turn.is_taken_away and turn.ends is not None and turn.ends.expired()):
                raise
            raise Preempted from error
        finally:
            self._end(turn)

    def _end(self, turn: _Turn) -> None:
        self._running.remove(turn)
        self._begin()

    def _begin(self) -> None:
        while len(self._running) < self.count and (queue := self._urgent or self._others):
            turn = queue.popleft()
            self._running.append(turn)
            turn.begun.set()

    def _take_away(self) -> None:
        for turn in reversed(self._running):
            if not turn.is_urgent and not turn.is_taken_away and turn.ends is not None:
                turn.is_taken_away = True
                turn.ends.reschedule(asyncio.get_running_loop().time())
                return
