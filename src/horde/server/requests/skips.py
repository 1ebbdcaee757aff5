"""Tell a worker with nothing to do why: how many waiting requests it fails, under every key that it fails them by.

Counting goes through all lanes in which something waits. It is done once for a survey and for all who offer the same,
and for no larger a part of the time than the survey itself: under load, who was told before is told the same again.
Where that differs from the contract's counters: docs/decisions/deviations.md.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.matching.lanes import Lane, Lanes, Match
from horde.server.matching.rules import failures
from horde.server.memory import SHARE_OF_TIME
from horde.server.requests.survey import Survey
from horde.server.workers.online import Member

BLACKLIST = "blacklist"
"""The key of requests with a word that the worker refuses (contract/lifecycle.md, section 5, B 6)."""


class Skips:
    """What this process has counted."""

    def __init__(self) -> None:
        self._counted: WeakKeyDictionary[Match, tuple[Survey, Counter[str]]] = WeakKeyDictionary()
        self._rests_until = 0.0

    def of(self, match: Match, lanes: Lanes, queue: Survey, *, is_exact: bool) -> Counter[str]:
        """For a worker with this offer, of the requests that list no workers; `is_exact`: of this very survey."""
        queue_counted, counts = self._counted.get(match, (None, Counter[str]()))
        # Durations on this machine, not times of day: they decide only how often this is done.
        started = time.perf_counter()
        if queue_counted is queue or (queue_counted and started < self._rests_until and not is_exact):
            return counts
        counts = Counter()
        for lane, requests in _waiting(lanes, queue, match.offer.kind, with_lists=False):
            counts.update(dict.fromkeys(failures(lane.needs, match.offer), requests))
        self._counted[match] = queue, counts
        ended = time.perf_counter()
        self._rests_until = ended + (ended - started) / SHARE_OF_TIME
        return counts


def skipped(ctx: Context, member: Member, queue: Survey, *, blacklisted: int) -> dict[str, int]:
    """The counters of an idle pop: those of the kind that are always shown, and all others that counted something.

    `blacklisted` is counted by the search itself, as nothing else reads prompts: of as many as were looked at.
    """
    lanes, kind = ctx.remembered(Lanes), member.worker.kind
    is_exact = ctx.services.settings.refresh_s == 0
    counts = ctx.remembered(Skips).of(member.match(lanes), lanes, queue, is_exact=is_exact)
    listed: Counter[str] = Counter()
    for lane, requests in _waiting(lanes, queue, kind, with_lists=True):
        listed.update(dict.fromkeys(failures(lane.needs, member.offer), requests))
    return {**dict.fromkeys(KINDS[kind].skip_keys_shown, 0), **(counts + listed + Counter({BLACKLIST: blacklisted}))}


def _waiting(lanes: Lanes, queue: Survey, kind: str, *, with_lists: bool) -> Iterator[tuple[Lane, int]]:
    """The lanes in which something waits, with how many requests; those that list workers, or the others."""
    for count in queue.listing(kind) if with_lists else queue.counts(kind):
        lane = lanes.get(count.lane_id)
        if lane is not None and bool(lane.needs.workers) is with_lists:
            yield lane, count.requests
