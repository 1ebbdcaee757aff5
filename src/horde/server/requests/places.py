"""Places in the queue, as this process remembers them: taken about once a second, when somebody asks for a place.

The queue's length is cut into a thousand pieces: below a thousand requests every place is exact, beyond it a place is
right to a thousandth of the queue. What nobody online can serve does not count.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.matching.lanes import Lanes
from horde.server.memory import Copy
from horde.server.requests import sql
from horde.server.requests.survey import LaneCount, survey
from horde.server.workers.online import Online, online

PIECES = 1000


@dataclass(frozen=True, slots=True)
class Ahead:
    """What stands before a place in the queue."""

    requests: int
    jobs: int
    things: int


NOTHING = Ahead(0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Milestone:
    rank: int
    seq: int
    place: int
    jobs: int
    things: int


class Queue:
    """The queue of one kind, without what nobody online can serve."""

    def __init__(self, milestones: list[_Milestone], step: int) -> None:
        self._keys = [(-stone.rank, stone.seq) for stone in milestones]
        self._stones = [Ahead(stone.place, stone.jobs, stone.things) for stone in milestones]
        self._step = step

    def ahead_of(self, rank: int, seq: int) -> Ahead:
        """What stood before a request of this rank and age when the queue was looked at."""
        passed = bisect_left(self._keys, (-rank, seq))
        before = self._stones[passed - 1] if passed else NOTHING
        if self._step == 1 or passed == len(self._stones):
            return before
        after = self._stones[passed]
        # Somewhere between two milestones: half-way is wrong by half a piece at the most.
        return Ahead(
            (before.requests + after.requests) // 2,
            (before.jobs + after.jobs) // 2,
            (before.things + after.things) // 2,
        )


Queues = Mapping[str, Queue]
"""By kind."""


class Placer:
    """This process's copy of the places."""

    def __init__(self) -> None:
        self._copy = Copy(_take)

    async def read(self, ctx: Context) -> Queues:
        """The queues, about a second old at the most. Raises Overloaded at the start without a database."""
        return await self._copy.read(ctx, now=ctx.now, period_s=ctx.services.settings.refresh_s)


async def ahead_of(ctx: Context, kind: str, rank: int, seq: int) -> Ahead:
    """What stands before a request of this kind, rank and age, as this process remembers it."""
    queue = (await ctx.remembered(Placer).read(ctx)).get(kind)
    return queue.ahead_of(rank, seq) if queue else NOTHING


async def _take(ctx: Context, _previous: Queues | None) -> Queues:
    lanes, workers, whole = ctx.remembered(Lanes), await online(ctx), await survey(ctx)
    async with ctx.database.snapshot() as tx:
        return {
            kind: await _queue(tx, kind, counts, _unserved(counts, lanes, workers), now=ctx.now)
            for kind, counts in whole.lanes.items()
        }


def _unserved(counts: Iterable[LaneCount], lanes: Lanes, workers: Online) -> set[int]:
    """The lanes that nobody online can serve."""
    known = ((count.lane_id, lanes.get(count.lane_id)) for count in counts)
    return {lane_id for lane_id, lane in known if lane and not workers.can_serve_lane(lanes, lane)}


async def _queue(tx: Tx, kind: str, counts: list[LaneCount], without: set[int], *, now: datetime) -> Queue:
    step = max(1, sum(count.requests for count in counts if count.lane_id not in without) // PIECES)
    stones = await tx.all(sql.milestones, _Milestone, kind=kind, now=now, without=sorted(without), step=step)
    return Queue(stones, step)
