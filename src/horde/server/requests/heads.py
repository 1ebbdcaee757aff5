"""A look at what waits: the heads of the lanes that are tried, and of the users whom somebody serves first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from horde.server.context import Context
from horde.server.matching.lanes import Lane
from horde.server.requests import sql
from horde.server.requests.lease import Head
from horde.server.requests.tries import NOTHING, Try

G = TypeVar("G")

DEPTH_MAX = 500
"""No account may have more requests waiting: in the last round all of a user served first are seen."""
SPARE = 2
"""Heads that are seen at least where several ask. When all that was seen of a lane is taken, the others must look anew:
with one it happened to two of five claims on 20,000 waiting, where many ranks are equal."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look into the lanes showed."""

    heads: Mapping[int, list[Head]]
    """By lane, the best first."""
    ends: Mapping[int, tuple[int, int]]
    """By lane, the place behind which there may be more, where not all was seen."""
    of_first: list[Head]
    """Those of users whom somebody serves first."""
    ends_of_first: Mapping[tuple[str | None, int], tuple[int, int]]
    """By kind and user, as `ends`."""


async def look(
    ctx: Context, tries: Sequence[Try], missed: Set[tuple[UUID, int]], *, deeper: int, is_last: bool
) -> Seen:
    """The best waiting requests of the lanes that are tried, and of the users whom somebody serves first."""
    takers = Counter(one.lanes for one in tries)
    changes = {lane: lane.changes for lanes in takers for lane in lanes}
    depths = depths_of(takers, deeper)
    depth_of_first = DEPTH_MAX if is_last else min(len(tries) * deeper, DEPTH_MAX)
    async with ctx.database.statement() as tx:
        heads = await tx.all(
            sql.heads, Head, now=ctx.now, lanes=list(depths), depths=list(depths.values()),
            of_first=_asked_of_first(tries), depth_of_first=depth_of_first,
            with_prompts=any(one.claim.blacklist for one in tries),
            with_params=any(one.claim.amount > 1 for one in tries),
        )  # fmt: skip
    found = [head for head in heads if head.kind_of_first is None]
    _remember(changes, found)
    of_first = [head for head in heads if head.kind_of_first is not None]
    by_id = {head.id: head for head in (*of_first, *found)}
    users = {head.user_id for head in of_first}
    by_lane: defaultdict[int, list[Head]] = defaultdict(list)
    for head in sorted(by_id.values(), key=lambda head: head.place):
        if (head.id, head.waiting) not in missed:
            by_lane[head.lane_id].append(head)
    first = [head for heads in by_lane.values() for head in heads if head.user_id in users]
    ends = _ends(found, lambda head: head.lane_id, depths.__getitem__)
    ends_of_first = _ends(of_first, lambda head: (head.kind_of_first, head.user_id), lambda _: depth_of_first)
    return Seen(by_lane, ends, first, ends_of_first)


def depths_of(takers: Mapping[tuple[Lane, ...], int], deeper: int) -> dict[int, int]:
    """By lane, how many heads are looked at, `deeper` times what those who ask can take as a rule.

    Each takes one, and one of a lane only when the best of all lanes that hold a better one are taken. Where these held
    less than it seemed, more may be wanted; so of every lane one more is seen than is likely to be taken, and else the
    next round looks deeper. `takers`: how many try the same lanes, the best first.
    """
    of_lane, better = Counter[int](), dict[int, int]()
    for lanes, count in takers.items():
        alike = 0
        for place, lane in enumerate(lanes):
            if lane.best != lanes[alike].best:
                alike = place
            of_lane[lane.id] += count
            better[lane.id] = min(alike, better.get(lane.id, alike))
    return {
        lane_id: min(max(count - better[lane_id], min(count, SPARE)) * deeper, DEPTH_MAX)
        for lane_id, count in sorted(of_lane.items())
    }


def _asked_of_first(tries: Sequence[Try]) -> list[dict[str, object]]:
    """By kind, the users whom somebody serves first, and the lanes in which they may have something for who does."""
    by_kind: defaultdict[str, list[Try]] = defaultdict(list)
    for one in tries:
        if one.may_have_first:
            by_kind[one.claim.member.worker.kind].append(one)
    asked: list[dict[str, object]] = []
    for kind, those in by_kind.items():
        users = sorted({user for one in those for user in one.claim.first_users})
        # Where one of them can do too many lanes, none are named.
        is_open = any(one.lanes_of_first is None for one in those)
        lanes = None if is_open else sorted({lane.id for one in those for lane in one.lanes_of_first or ()})
        asked.append({"kind": kind, "users": users, "lanes": lanes})
    return asked


def _ends(heads: Sequence[Head], group: Callable[[Head], G], depth_of: Callable[[G], int]) -> dict[G, tuple[int, int]]:
    """By group, the place of the last of its heads, where as many were found as were looked for."""
    count = Counter(group(head) for head in heads)
    full = {which for which, number in count.items() if number == depth_of(which)}
    return {group(head): head.place for head in heads if group(head) in full}  # the last one of each stays


def _remember(changes: Mapping[Lane, int], heads: Iterable[Head]) -> None:
    """What the database showed of these lanes is what is known of them now."""
    best: dict[int, int] = {}
    for head in heads:
        best[head.lane_id] = max(head.rank, best.get(head.lane_id, NOTHING))
    for lane, at_changes in changes.items():
        lane.was_seen(best.get(lane.id), at_changes=at_changes)
