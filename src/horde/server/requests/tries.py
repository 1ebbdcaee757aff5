"""What each claim tries: the lanes with the best ranks that its worker can serve, out of memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from horde.server.context import Context
from horde.server.matching.lanes import Lane, Lanes
from horde.server.requests.lease import Head, Popped, Share
from horde.server.workers.online import Member

LANES_TRIED = 16
"""Lanes looked into for one worker in one round, besides one for each other worker with the same offer."""
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


@dataclass(slots=True)
class Try:
    """One claim on its way through the rounds."""

    claim: Claim
    lanes: tuple[Lane, ...] = ()
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


def pick_lanes(ctx: Context, tries: Sequence[Try]) -> None:
    """Choose the lanes to be tried."""
    lanes = ctx.remembered(Lanes)
    # Those who offer the same try the same lanes, so each of them may need one more.
    alike = Counter(one.claim.member.match(lanes) for one in tries)
    groups: defaultdict[object, list[Try]] = defaultdict(list)
    for one in tries:
        groups[_offered(lanes, one.claim)].append(one)
    for group in groups.values():
        claim = group[0].claim
        most = LANES_TRIED + alike[claim.member.match(lanes)]
        best = lanes_for_all(ctx, claim, at_most=most + 1)
        of_first = lanes_for_first(ctx, claim, at_most=LANES_OF_FIRST + 1)
        tried = tuple(best[:most])
        for one in group:
            one.lanes_of_first = of_first if len(of_first) <= LANES_OF_FIRST else None
            one.lanes = tried
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
