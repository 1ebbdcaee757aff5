"""The queue from above, as this process remembers it: what waits in each lane, and how long the queue is up to where.

Taken about once a second when somebody asks, and less often where taking it would cost more than a twentieth of the
time. The queue's length is cut into a thousand pieces: below a thousand requests every place is exact, beyond it a
place is right to a thousandth of the queue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from horde.server.context import Context
from horde.server.db.notify import Work
from horde.server.db.pool import Tx
from horde.server.matching.lanes import Lane, Lanes, Match
from horde.server.memory import Copy
from horde.server.requests import sql
from horde.server.workers.online import Online, online

PIECES = 1000


@dataclass(frozen=True, slots=True)
class LaneCount:
    """What waits in one lane."""

    kind: str
    lane_id: int
    requests: int
    jobs: int
    things: int
    best: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The whole queue at one moment."""

    lanes: Mapping[str, list[LaneCount]]
    """By kind."""
    with_lists: Mapping[str, list[LaneCount]]
    """By kind, those of the lanes whose requests list workers."""
    queues: Mapping[str, Queue]
    """By kind."""
    skipped: dict[Match, Counter[str]] = field(default_factory=dict)
    """What was counted of it for workers with nothing to do: who offers the same is told the same."""

    def counts(self, kind: str) -> list[LaneCount]:
        """The lanes of a kind in which something waits."""
        return self.lanes.get(kind, [])

    def listing(self, kind: str) -> list[LaneCount]:
        """Those of them whose requests list workers."""
        return self.with_lists.get(kind, [])

    def jobs(self, kind: str) -> int:
        """How many jobs of a kind wait."""
        return sum(lane.jobs for lane in self.counts(kind))

    def ahead_of(self, kind: str, rank: int, seq: int) -> Ahead:
        """What stood before such a request."""
        queue = self.queues.get(kind)
        return queue.ahead_of(rank, seq) if queue else NOTHING


class Surveyor:
    """This process's copy of the survey."""

    def __init__(self) -> None:
        self._copy = Copy(_take)

    async def read(self, ctx: Context) -> Survey:
        """The queue, about a second old at the most. Raises Overloaded at the start without a database."""
        return await self._copy.read(ctx, now=ctx.now, period_s=ctx.services.settings.refresh_s)


async def survey(ctx: Context) -> Survey:
    """The queue as this process remembers it."""
    return await ctx.remembered(Surveyor).read(ctx)


async def _take(ctx: Context, _previous: Survey | None) -> Survey:
    lanes = ctx.remembered(Lanes)
    await lanes.load(ctx.database)
    workers = await online(ctx)
    changes = {lane: lane.changes for lane in lanes.all()}
    by_kind: defaultdict[str, list[LaneCount]] = defaultdict(list)
    async with ctx.database.statement() as tx:
        for count in await tx.all(sql.waiting_by_lane, LaneCount, now=ctx.now):
            by_kind[count.kind].append(count)
    # A lane that another node made, and of which no hint came, is learnt here.
    lanes.learn_of(count.lane_id for counts in by_kind.values() for count in counts)
    await lanes.load(ctx.database)
    async with ctx.database.snapshot() as tx:
        queues = {
            kind: await _queue(tx, kind, counts, _unserved(counts, lanes, workers), now=ctx.now)
            for kind, counts in by_kind.items()
        }
    await _put_right(ctx, changes, [count for counts in by_kind.values() for count in counts])
    with_lists = {
        kind: [count for count in counts if (lane := lanes.get(count.lane_id)) and lane.needs.workers]
        for kind, counts in by_kind.items()
    }
    return Survey(lanes=dict(by_kind), with_lists=with_lists, queues=queues)


def _unserved(counts: Iterable[LaneCount], lanes: Lanes, workers: Online) -> set[int]:
    """The lanes that nobody online can serve."""
    known = ((count.lane_id, lanes.get(count.lane_id)) for count in counts)
    return {lane_id for lane_id, lane in known if lane and not workers.can_serve_lane(lanes, lane)}


async def _queue(tx: Tx, kind: str, counts: list[LaneCount], without: set[int], *, now: datetime) -> Queue:
    step = max(1, sum(count.requests for count in counts if count.lane_id not in without) // PIECES)
    stones = await tx.all(sql.milestones, _Milestone, kind=kind, now=now, without=sorted(without), step=step)
    return Queue(stones, step)


async def _put_right(ctx: Context, changes: Mapping[Lane, int], counts: Sequence[LaneCount]) -> None:
    """Correct what is remembered of the lanes of which nothing was heard since, and learn those that are not known."""
    lanes = ctx.remembered(Lanes)
    lanes.hear([Work(count.lane_id, count.best, count.jobs) for count in counts if lanes.get(count.lane_id) is None])
    await lanes.load(ctx.database)
    best = {count.lane_id: count.best for count in counts}
    for lane, at_changes in changes.items():
        lane.was_seen(best.get(lane.id), at_changes=at_changes)
