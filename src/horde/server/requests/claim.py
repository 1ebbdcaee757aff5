"""Share out waiting jobs among the workers that ask at the same time.

What to look at comes out of memory: the few lanes with the best ranks that each worker can serve. Their heads are read,
shared out in memory, and leased by one statement that takes only what is still as it was seen. Who got nothing by it
tries again with what is known by then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import msgspec

from horde.errors import HordeError
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.matching.lanes import Lane, Lanes
from horde.server.requests import sql
from horde.server.requests.lease import Head, Popped, Share, lease
from horde.server.workers.online import Member

G = TypeVar("G")

ROUNDS = 5
"""How often a worker's luck is tried in one pop; it asks again soon anyway."""
LANES_TRIED = 16
"""Lanes looked into for one worker in one round, besides one for each other worker with the same offer."""
DEEPER = 4
"""Each round looks so many times deeper into the lanes: past heads that others hold or that a worker refuses."""
DEPTH_MAX = 500
"""No account may have more requests waiting: in the last round all of a user served first are seen."""
LANES_OF_FIRST = 64
"""So many lanes are named in a look for those served first; who can do more looks through all of theirs."""
NOTHING = -(2**62)
"""A rank worse than any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A worker's wish for jobs of one request."""

    member: Member
    amount: int
    """How many jobs it takes at once."""
    first_users: tuple[int, ...]
    """Users whose requests it serves before all others."""
    only_first: bool
    """Whether it serves nobody else."""
    blacklist: tuple[str, ...]
    """Lower-case words; a request whose prompt holds one is not for it."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Nothing was had."""

    blacklisted: int
    """How many of the requests that were looked at the worker could do, but for a word of its blacklist."""


@dataclass(slots=True)
class _Asking:
    """One claim on its way through the rounds."""

    claim: Claim
    lanes: list[Lane] = field(default_factory=list)
    """Those tried in this round, for whoever asked."""
    lanes_of_first: list[Lane] | None = field(default_factory=list)
    """Those in which they whom it serves first may have something for it; None: too many to be named."""
    best_untried: int = NOTHING
    """No lane that is not tried holds anything better."""
    blacklisted: set[UUID] = field(default_factory=set)
    """Requests passed over for a word in their prompts; a deeper look shows them again."""
    share: Share | None = None
    """What is about to be leased to it in this round."""
    popped: Popped | None = None

    @property
    def may_have_first(self) -> bool:
        """Whether those it serves first may have something for it."""
        return self.lanes_of_first != []

    def allows(self, head: Head) -> bool:
        """Whether no word of the worker's blacklist is in the prompt of what it could do otherwise."""
        if any(word in (head.prompt or "") for word in self.claim.blacklist):
            self.blacklisted.add(head.id)
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look into the lanes showed."""

    heads: Mapping[int, list[Head]]
    """By lane, the best first."""
    ends: Mapping[int, tuple[int, int]]
    """By lane, the place behind which there may be more, where not all was seen."""
    of_first: list[Head]
    """Those of users whom somebody serves first."""
    ends_of_first: Mapping[tuple[str | None, int], tuple[int, int]]
    """By kind and user, as `ends`."""


async def claim_each_together(ctx: Context, wishes: Sequence[Sequence[Claim]]) -> list[list[Popped] | Searched]:
    """Jobs of as many requests as each worker has claims, as far as there are any.

    In batches of their own, so that who wants much fills nobody else's.
    """
    found = iter(await claim_together(ctx, [claim for wish in wishes for claim in wish]))
    answers: list[list[Popped] | Searched] = []
    for wish in wishes:
        had = [next(found) for _ in wish]
        jobs = [one for one in had if isinstance(one, Popped)]
        answers.append(jobs or Searched(max(one.blacklisted for one in had if isinstance(one, Searched))))
    return answers


async def claim_together(ctx: Context, claims: Sequence[Claim]) -> list[Popped | Searched]:
    """Jobs for each claim, or what was seen where nothing waits that its worker can do."""
    asking = [_Asking(claim) for claim in claims]
    # Requests, as they were seen, that were not to be had: another transaction holds them, perhaps for long.
    missed: set[tuple[UUID, int]] = set()
    for number in range(ROUNDS):
        still = [one for one in asking if one.popped is None]
        _pick_lanes(ctx, still)
        still = [one for one in still if one.lanes or one.may_have_first]
        if not still:
            break
        try:
            is_last = number == ROUNDS - 1
            seen = await _look(ctx, still, missed, depth=min(len(still) * DEEPER**number, DEPTH_MAX), is_last=is_last)
            for one in still:
                one.share = _share(ctx, one, seen, is_last=is_last)
            chosen = [(one, one.share) for one in still if one.share]
            given = await lease(ctx, [(one.claim.member, share) for one, share in chosen])
        except HordeError:
            if number == 0:
                raise
            break  # the database went away; those who have jobs are told of them all the same
        for (one, _), popped in zip(chosen, given, strict=True):
            one.popped = popped
        missed |= {(one.share.head.id, one.share.head.waiting) for one in still if one.share and one.popped is None}
    return [one.popped or Searched(len(one.blacklisted)) for one in asking]


def _pick_lanes(ctx: Context, asking: list[_Asking]) -> None:
    """Choose the lanes to be tried."""
    lanes = ctx.remembered(Lanes)
    # Those who offer the same try the same lanes, so each of them may need one more.
    alike = Counter(one.claim.member.match(lanes) for one in asking)
    groups: defaultdict[object, list[_Asking]] = defaultdict(list)
    for one in asking:
        groups[_offered(lanes, one.claim)].append(one)
    for group in groups.values():
        claim = group[0].claim
        most = LANES_TRIED + alike[claim.member.match(lanes)]
        best = lanes_for_all(ctx, claim, at_most=most + 1)
        of_first = lanes_for_first(ctx, claim, at_most=LANES_OF_FIRST + 1)
        for one in group:
            one.lanes_of_first = of_first if len(of_first) <= LANES_OF_FIRST else None
            one.lanes = best[:most]
            one.best_untried = _best(best[most]) if len(best) > most else NOTHING


def _offered(lanes: Lanes, claim: Claim) -> tuple[object, ...]:
    """Claims that are equal in this have the same best lanes."""
    member = claim.member
    listed = member.offer.worker_id if lanes.may_list(member.offer) else ""
    return member.match(lanes), member.match_to_first(lanes), bool(claim.first_users), claim.only_first, listed


def lanes_for_all(ctx: Context, claim: Claim, *, at_most: int) -> list[Lane]:
    """The best lanes in which something may wait that the worker can do for whoever asked, the best first."""
    if claim.only_first:
        return []
    lanes, member = ctx.remembered(Lanes), claim.member
    may_be_targeted = not ctx.services.settings.require_matched_targeting
    return lanes.best_for(member.match(lanes), member.offer, at_most=at_most, may_be_targeted=may_be_targeted)


def lanes_for_first(ctx: Context, claim: Claim, *, at_most: int) -> list[Lane]:
    """The best lanes in which something may wait that the worker can do for those it serves first, if it is theirs."""
    if not claim.first_users:
        return []
    lanes, member = ctx.remembered(Lanes), claim.member
    return lanes.best_for(member.match_to_first(lanes), member.offer_to_first, at_most=at_most)


def _best(lane: Lane) -> int:
    assert lane.best is not None, "only lanes in which something may wait are tried"
    return lane.best


async def _look(
    ctx: Context, asking: list[_Asking], missed: Set[tuple[UUID, int]], *, depth: int, is_last: bool
) -> _Seen:
    """The best waiting requests of the lanes that are tried, and of the users whom somebody serves first."""
    changes = {lane: lane.changes for one in asking for lane in one.lanes}
    depth_of_first = DEPTH_MAX if is_last else depth
    async with ctx.database.statement() as tx:
        heads = await tx.all(
            sql.heads, Head, now=ctx.now, lanes=sorted(lane.id for lane in changes), depth=depth,
            of_first=_asked_of_first(asking), depth_of_first=depth_of_first,
            with_prompts=any(one.claim.blacklist for one in asking),
            with_params=any(one.claim.amount > 1 for one in asking),
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
    ends = _ends(found, lambda head: head.lane_id, depth)
    ends_of_first = _ends(of_first, lambda head: (head.kind_of_first, head.user_id), depth_of_first)
    return _Seen(by_lane, ends, first, ends_of_first)


def _asked_of_first(asking: list[_Asking]) -> list[dict[str, object]]:
    """By kind, the users whom somebody serves first, and the lanes in which they may have something for who does."""
    by_kind: defaultdict[str, list[_Asking]] = defaultdict(list)
    for one in asking:
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


def _ends(heads: Sequence[Head], group: Callable[[Head], G], depth: int) -> dict[G, tuple[int, int]]:
    """By group, the place of the last of its heads, where as many were found as were looked for."""
    count = Counter(group(head) for head in heads)
    return {group(head): head.place for head in heads if count[group(head)] == depth}  # the last one of each stays


def _remember(changes: Mapping[Lane, int], heads: Iterable[Head]) -> None:
    """What the database showed of these lanes is what is known of them now."""
    best: dict[int, int] = {}
    for head in heads:
        best[head.lane_id] = max(head.rank, best.get(head.lane_id, NOTHING))
    for lane, at_changes in changes.items():
        lane.was_seen(best.get(lane.id), at_changes=at_changes)


def _share(ctx: Context, one: _Asking, seen: _Seen, *, is_last: bool) -> Share | None:
    """The best request for this worker among those left, and how much of it."""
    claim = one.claim
    found = _first_of_users(ctx, one, seen.of_first)
    if not is_last and _may_be_better_of_first(one, seen, found):
        return None
    if found is None:
        of_lane = {lane.id: _first_allowed(one, seen.heads.get(lane.id, ())) for lane in one.lanes}
        found = min((head for head in of_lane.values() if head), key=lambda head: head.place, default=None)
        if found and not is_last:
            ends = [seen.ends[lane_id] for lane_id, head in of_lane.items() if head is None and lane_id in seen.ends]
            if found.rank < one.best_untried or any(end < found.place for end in ends):
                return None  # a lane that was not tried, or was not seen far enough, may hold a better one
    if found is None:
        return None
    jobs = min(_at_once(claim, found), found.left)
    share = Share(found, jobs, found.left)
    found.left -= jobs
    return share


def _may_be_better_of_first(one: _Asking, seen: _Seen, found: Head | None) -> bool:
    """Whether a user whom the worker serves first, of whom not all was seen, may have a better one."""
    kind = one.claim.member.worker.kind
    ends = (seen.ends_of_first.get((kind, user)) for user in one.claim.first_users if one.may_have_first)
    return any(end is not None and (found is None or end < found.place) for end in ends)


def _first_of_users(ctx: Context, one: _Asking, heads: Iterable[Head]) -> Head | None:
    """The best request of those whom the worker serves first, if it can do one."""
    lanes, offer = ctx.remembered(Lanes), one.claim.member.offer_to_first
    mine = (
        head
        for head in heads
        if head.user_id in one.claim.first_users
        and head.left
        and (lane := lanes.get(head.lane_id)) is not None
        and lane.needs.kind == offer.kind
        and lanes.serves(lanes.match(offer), offer, lane)
        and one.allows(head)
    )
    return min(mine, key=lambda head: head.place, default=None)


def _first_allowed(one: _Asking, heads: Iterable[Head]) -> Head | None:
    """The first of a lane's heads that is still to be had."""
    return next((head for head in heads if head.left and one.allows(head)), None)


def _at_once(claim: Claim, head: Head) -> int:
    """How many of a request's jobs the worker can do at once."""
    if head.disable_batching or claim.amount == 1 or head.params is None:
        return 1
    kind = KINDS[claim.member.worker.kind]
    params = msgspec.convert(head.params, kind.params)
    return kind.batch_max(params, claim.member.worker.terms.sizes, claim.amount)
