"""What waits in each lane, as this process remembers it: one look at the queue about once a second, if somebody asks.

It is taken less often where it takes long: of 100,000 requests about twice a minute. Places in the queue: places.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from horde.server.context import Context
from horde.server.matching.lanes import Lane, Lanes
from horde.server.memory import Copy
from horde.server.requests import sql


@dataclass(frozen=True, slots=True)
class LaneCount:
    """What waits in one lane."""

    kind: str
    lane_id: int
    requests: int
    jobs: int
    things: int
    best: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The whole queue at one moment."""

    lanes: Mapping[str, list[LaneCount]]
    """By kind."""
    with_lists: Mapping[str, list[LaneCount]]
    """By kind, those of the lanes whose requests list workers."""

    def counts(self, kind: str) -> list[LaneCount]:
        """The lanes of a kind in which something waits."""
        return self.lanes.get(kind, [])

    def listing(self, kind: str) -> list[LaneCount]:
        """Those of them whose requests list workers."""
        return self.with_lists.get(kind, [])

    def jobs(self, kind: str) -> int:
        """How many jobs of a kind wait."""
        return sum(lane.jobs for lane in self.counts(kind))


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
    changes = {lane: lane.changes for lane in lanes.all()}
    by_kind: defaultdict[str, list[LaneCount]] = defaultdict(list)
    async with ctx.database.statement() as tx:
        for count in await tx.all(sql.waiting_by_lane, LaneCount, now=ctx.now):
            by_kind[count.kind].append(count)
    # A lane that another node made, and of which no hint came, is learnt here.
    lanes.learn_of(count.lane_id for counts in by_kind.values() for count in counts)
    await lanes.load(ctx.database)
    _put_right(changes, [count for counts in by_kind.values() for count in counts])
    lanes.forget_empty(ctx.now)
    with_lists = {
        kind: [count for count in counts if (lane := lanes.get(count.lane_id)) and lane.needs.workers]
        for kind, counts in by_kind.items()
    }
    return Survey(lanes=dict(by_kind), with_lists=with_lists)


def _put_right(changes: Mapping[Lane, int], counts: Iterable[LaneCount]) -> None:
    """Correct what is remembered of the lanes of which nothing was heard since."""
    best = {count.lane_id: count.best for count in counts}
    for lane, at_changes in changes.items():
        lane.was_seen(best.get(lane.id), at_changes=at_changes)
