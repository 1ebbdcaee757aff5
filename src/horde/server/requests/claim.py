"""Share out waiting jobs among the workers that ask at the same time.

What to look at comes out of memory: the few lanes with the best ranks that each worker can serve. Their heads are read,
shared out in memory, and leased by one statement that takes only what is still as it was seen. Who got nothing by it
tries again with what is known by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from horde.errors import HordeError
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.matching.lanes import Lanes
from horde.server.requests.heads import Seen, look
from horde.server.requests.lease import Head, Popped, Share, lease
from horde.server.requests.tries import Claim, Try, pick_lanes

ROUNDS = 5
"""How often a worker's luck is tried in one pop; it asks again soon anyway."""
DEEPER = 4
"""Each round looks so many times deeper into the lanes: past heads that others hold or that a worker refuses."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Nothing was had."""

    blacklisted: int
    """How many of the requests that were looked at the worker could do, but for a word of its blacklist."""


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
    tries = [Try(claim) for claim in claims]
    # Requests, as they were seen, that were not to be had: another transaction holds them, perhaps for long.
    missed: set[tuple[UUID, int]] = set()
    for number in range(ROUNDS):
        still = [one for one in tries if one.popped is None]
        pick_lanes(ctx, still)
        still = [one for one in still if one.lanes or one.may_have_first]
        if not still:
            break
        try:
            is_last = number == ROUNDS - 1
            seen = await look(ctx, still, missed, deeper=DEEPER**number, is_last=is_last)
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
    return [one.popped or Searched(len(one.blacklisted)) for one in tries]


def _share(ctx: Context, one: Try, seen: Seen, *, is_last: bool) -> Share | None:
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


def _may_be_better_of_first(one: Try, seen: Seen, found: Head | None) -> bool:
    """Whether a user whom the worker serves first, of whom not all was seen, may have a better one."""
    kind = one.claim.member.worker.kind
    ends = (seen.ends_of_first.get((kind, user)) for user in one.claim.first_users if one.may_have_first)
    return any(end is not None and (found is None or end < found.place) for end in ends)


def _first_of_users(ctx: Context, one: Try, heads: Iterable[Head]) -> Head | None:
    """The best request of those whom the worker serves first, if it can do one."""
    lanes, offer = ctx.remembered(Lanes), one.claim.member.offer_to_first
    mine = (
        head
        for head in heads
        if head.user_id in one.claim.first_users
        and head.left
        and (lane := lanes.get(head.lane_id)) is not None
        and lane.needs.kind == offer.kind
        and lanes.serves(one.claim.member.match_to_first(lanes), offer, lane)
        and one.allows(head)
    )
    return min(mine, key=lambda head: head.place, default=None)


def _first_allowed(one: Try, heads: Iterable[Head]) -> Head | None:
    """The first of a lane's heads that is still to be had."""
    return next((head for head in heads if head.left and one.allows(head)), None)


def _at_once(claim: Claim, head: Head) -> int:
    """How many of a request's jobs the worker can do at once."""
    if head.disable_batching or claim.amount == 1 or head.params is None:
        return 1
    kind = KINDS[claim.member.worker.kind]
    params = msgspec.convert(head.params, kind.params)
    return kind.batch_max(params, claim.member.worker.terms.sizes, claim.amount)
