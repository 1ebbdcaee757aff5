"""Calls of the same verb that arrive together are answered together, by one set-wise statement or transaction.

While one batch is with the database, the next one gathers; nobody waits for a timer. A batch starts when a round of the
loop brought no call of any verb: a busy process, which hears its callers one after the other, takes them together. One
batch of a verb runs at a time in a process, so that calls of one process are taken in the order in which they came.

Measured on two cores with fsync on: 661 cycles/s of enqueue, claim and settle one by one, 3,071 in batches of 8.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from horde.errors import HordeError

C = TypeVar("C")
I = TypeVar("I")  # noqa: E741 - what goes in
O = TypeVar("O")  # noqa: E741 - what comes out

BATCH_MAX = 64
"""So many calls at once: far beyond it the statements only grow, and the first caller waits for the last."""

ROUNDS_MAX = 16
"""A batch waits no longer for more calls to come: as many rounds take about 10 ms where each has much to do."""

Work = Callable[[C, Sequence[I]], Awaitable[Sequence[O | HordeError]]]
"""Answers calls in their order, each with its result or its own refusal. What it raises is for all of them, and then
nothing may have been written."""


@dataclass(slots=True)
class _Call(Generic[C, I, O]):
    ctx: C
    item: I
    answer: asyncio.Future[O]


@dataclass(slots=True)
class _Arrivals:
    """How many calls came, of all verbs."""

    count: int = 0


class _Line(Generic[C, I, O]):
    """The calls of one verb, waiting for their batch."""

    def __init__(self, work: Work[C, I, O], arrivals: _Arrivals) -> None:
        self._work = work
        self._arrivals = arrivals
        self._waiting: deque[_Call[C, I, O]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def join(self, ctx: C, item: I) -> O:
        answer: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(ctx, item, answer))
        self._arrivals.count += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"batches of {self._work.__name__}")
        return await answer

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._gather()
                calls = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
                await self._answer(calls)
        finally:
            self._task = None

    async def _gather(self) -> None:
        """Wait while calls come, of whatever verb: with what one of another verb holds up, more of this one arrive."""
        for _ in range(ROUNDS_MAX):
            there = self._arrivals.count
            await asyncio.sleep(0)
            if self._arrivals.count == there or len(self._waiting) >= BATCH_MAX:
                return

    async def _answer(self, calls: list[_Call[C, I, O]]) -> None:
        try:
            outcomes = await self._work(calls[-1].ctx, [call.item for call in calls])
            assert len(outcomes) == len(calls), f"{self._work.__name__} answered {len(outcomes)} of {len(calls)} calls"
        except HordeError as refusal:
            _refuse(calls, refusal)
        except asyncio.CancelledError:
            # Nobody is left waiting for an answer that will never come.
            for call in calls:
                call.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - told to the caller that it belongs to
            if len(calls) == 1:
                _refuse(calls, error)
            else:
                # One of them broke the batch, and nothing was written: alone, it breaks nobody else's.
                for call in calls:
                    await self._answer([call])
        else:
            for call, outcome in zip(calls, outcomes, strict=True):
                if isinstance(outcome, HordeError):
                    _refuse([call], outcome)
                elif not call.answer.done():
                    call.answer.set_result(outcome)


def _refuse(calls: Sequence[_Call[C, I, O]], error: Exception) -> None:
    for call in calls:
        # A caller that was cancelled in the meantime has no use for its answer.
        if not call.answer.done():
            call.answer.set_exception(error)


class Batches:
    """The lines of one process, one for each verb."""

    def __init__(self) -> None:
        self._lines: dict[object, object] = {}
        self._arrivals = _Arrivals()

    async def join(self, work: Work[C, I, O], ctx: C, item: I) -> O:
        """Have `item` answered by `work` together with others that are there at the same time.

        Raises what the item was refused with, or what the whole batch failed with. A caller that is cancelled does not
        take back its call.
        """
        line = self._lines.get(work)
        if line is None:
            line = self._lines[work] = _Line(work, self._arrivals)
        return await cast("_Line[C, I, O]", line).join(ctx, item)
