"""Lanes: all waiting requests with equal needs stand in one, so that matching looks at needs, not at requests.

Every process keeps the lanes in memory, each with the best rank that may wait in it. A pop for which no lane has
anything asks the database nothing; one that finds something asks for the heads of the few best lanes. What a process
remembers here is a hint: a lane may turn out to be empty, and one that is wrongly held to be empty is put right by the
next survey of the queue (requests/survey.py). A lane in which nothing waited for ten minutes is forgotten, and learnt
again when somebody names its needs or its id.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields, replace
from datetime import datetime, timedelta
from hashlib import sha256
from weakref import WeakSet

import msgspec
from cachetools import LRUCache

from horde.kinds.base import Needs, Offer
from horde.server.context import Context
from horde.server.db.notify import Work
from horde.server.db.pool import Database
from horde.server.db.queries import load
from horde.server.matching.rules import can_serve

sql = load(__package__)

ANY_RANK = 2**62
"""Better than every rank: something may wait in the lane, and how good it is is not known."""
UNUSED_FOR = timedelta(days=1)
"""How old an unused lane gets in the database."""
EMPTY_FOR = timedelta(minutes=10)
"""How long a process remembers a lane in which nothing waits; each is about 1 KB."""
FORGOTTEN_MAX = 1000
"""Lanes forgotten in one go: they take about 3 ms, in which nothing else happens."""
UNKNOWN_MAX = 1000
"""Lanes heard of and not known, which are learnt one by one; where there are more, all that hold something are."""
SPARE_DEMANDS = 256
"""Demands that no lane puts any more are kept up to this, and as many as there are others."""
DELETED_MAX = 1000
"""Lanes deleted in one go."""
YES, NO = 1, 2
"""What is known of an offer and a demand; 0: nobody looked yet."""
MATCHES_MAX = 4096
"""Offers that are told apart in memory; who offers the same shares what was found out about it."""


Line = list[tuple[int, int, "Lane"]]
"""(-best rank, id, lane), so the best first."""


class Tally:
    """How often something began to wait in a lane where nothing had."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Lane:
    """One lane as this process knows it."""

    __slots__ = ("_began", "_lines", "best", "changes", "demand", "empty_since", "id", "needs")

    def __init__(self, lane_id: int, needs: Needs, demand: int, lines: list[Line], began: Tally) -> None:
        self.id = lane_id
        self.needs = needs
        self.demand = demand
        """The number of what is needed besides the models; far fewer than there are lanes."""
        self._lines = lines
        """In which it stands, at its best rank, while something waits in it."""
        self._began = began
        self.best: int | None = None
        """No waiting request has a better rank; None: nothing waits."""
        self.changes = 0
        """Counts what was heard of it, to tell what was heard while somebody looked."""
        self.empty_since: datetime | None = None
        """When it was first found that nothing waits; None: since then something may have."""
        self._stand(ANY_RANK)

    def gains(self, rank: int) -> None:
        """Something of this rank waits in it now."""
        if self.best is None or rank > self.best:
            self._stand(rank)
        self.changes += 1

    def was_seen(self, best: int | None, *, at_changes: int) -> None:
        """The database had this as its best, unless something was heard since `changes` was `at_changes`."""
        if self.changes == at_changes and best != self.best:
            self._stand(best)

    def leave(self) -> None:
        """Stand nowhere from now on: who still holds it and hears of it changes nothing any more."""
        self._stand(None)
        self._lines = []

    def _stand(self, best: int | None) -> None:
        if self.best is not None:
            left = -self.best, self.id, self
            for line in self._lines:
                del line[bisect_left(line, left)]
        if self.best is None and best is not None:
            self._began.count += 1
        self.best = best
        if best is not None:
            self.empty_since = None
            for line in self._lines:
                insort(line, (-best, self.id, self))


class Match:
    """What was found out about an offer, apart from requests that list workers. Shared by all who offer the same."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.meets = bytearray()
        """By number of the demand: whether the offer meets it."""
        self.idle_since = -1
        """The tally at which there was nothing for it: until it counts on, there is nothing either."""

    def forget_demands(self) -> None:
        """Look at every demand anew: they have other numbers now."""
        self.meets = bytearray()

    def may_serve(self, lane: Lane) -> bool:
        """Whether it can serve a lane for which it has a model, and which lists no workers."""
        demand = lane.demand
        if len(self.meets) <= demand:
            self.meets.extend(bytes(demand + 256 - len(self.meets)))
        known = self.meets[demand]
        if not known:
            known = self.meets[demand] = YES if can_serve(self.offer, lane.needs) else NO
        return known == YES


class Lanes:
    """All lanes, as this process remembers them."""

    def __init__(self) -> None:
        self._by_id: dict[int, Lane] = {}
        self._by_needs: dict[Needs, Lane] = {}
        self._demands: dict[Needs, int] = {}
        self._lines: defaultdict[tuple[str, str | None], Line] = defaultdict(list)
        """By kind and model (None: any) the lanes in which something may wait."""
        self._by_model: defaultdict[tuple[str, str | None], set[int]] = defaultdict(set)
        self._of_listed: defaultdict[tuple[str, str], dict[int, Lane]] = defaultdict(dict)
        self._of_not_listed: defaultdict[str, dict[int, Lane]] = defaultdict(dict)
        self._matches: LRUCache[tuple[object, ...], Match] = LRUCache(MATCHES_MAX)
        self._all_matches: WeakSet[Match] = WeakSet()
        """Also those that somebody holds and that are no longer among the last ones."""
        self._began = Tally()
        self._is_complete = False
        """Whether every lane in which something waited is known, as far as was heard."""
        self._unknown: set[int] = set()
        """Lanes that were heard of since."""
        self._loading = asyncio.Lock()

    def get(self, lane_id: int) -> Lane | None:
        """The lane of that id, when it is known here."""
        return self._by_id.get(lane_id)

    # ------------------------------------------------------------------------------------ knowing them
    async def load(self, database: Database) -> None:
        """Learn the lanes that others made or that were forgotten; asks nothing when none was heard of."""
        if not self._is_complete or self._unknown:
            # Who comes while they are read waits for them: without lanes there is nothing to be found.
            async with self._loading:
                await self._load(database)

    async def _load(self, database: Database) -> None:
        is_complete, unknown = self._is_complete, self._unknown
        self._is_complete, self._unknown = True, set()
        try:
            if not is_complete:
                async with database.statement() as tx:
                    self._add_rows(await tx.all(sql.waiting_lanes, _row))
            if unknown:
                async with database.statement() as tx:
                    self._add_rows(await tx.all(sql.lanes, _row, ids=sorted(unknown)))
        except BaseException:
            self._is_complete = self._is_complete and is_complete
            self._unknown |= unknown
            raise

    async def intern(self, database: Database, all_needs: Iterable[Needs]) -> dict[Needs, Lane]:
        """The lanes of these needs, made where there are none. Two nodes that make one at once get the same."""
        lanes = {needs: self._by_needs.get(needs) for needs in all_needs}
        found = {needs: lane for needs, lane in lanes.items() if lane is not None}
        encoded = {sha256(text).digest(): text for text in (_encoded(needs) for needs in lanes if needs not in found)}
        if encoded:
            # In one order on every node, so that two who make the same lanes never wait for each other in a ring.
            rows = [{"digest": digest.hex(), "needs": msgspec.Raw(encoded[digest])} for digest in sorted(encoded)]
            async with database.statement() as tx:
                found |= self._add_rows(await tx.all(sql.intern_lanes, _row, lanes=rows))
        return found

    def _add_rows(self, rows: Iterable[tuple[int, Needs]]) -> dict[Needs, Lane]:
        return {needs: self.add(lane_id, needs) for lane_id, needs in rows}

    def knows(self, needs: Needs) -> bool:
        """Whether the lane of these needs is known here."""
        return needs in self._by_needs

    def of(self, needs: Needs) -> Lane:
        """The lane of these needs, which was interned before."""
        return self._by_needs[needs]

    def forget(self) -> None:
        """Know no lane any more, and learn all anew: lanes that nobody needs are deleted now and then.

        What was found out about offers stays true: it goes by demands, which keep their numbers.
        """
        for known in (
            self._by_id, self._by_needs, self._lines, self._by_model, self._of_listed, self._of_not_listed
        ):  # fmt: skip
            known.clear()
        self._is_complete = False

    def forget_empty(self, now: datetime) -> None:
        """Forget lanes in which nothing has waited for long; for when all were compared with the database."""
        gone = []
        for lane in self._by_id.values():
            if lane.best is None:
                if lane.empty_since is None:
                    lane.empty_since = now
                elif now - lane.empty_since >= EMPTY_FOR:
                    gone.append(lane)
        for lane in gone[:FORGOTTEN_MAX]:
            self._drop(lane)
        if gone:
            self._forget_demands()

    def _drop(self, lane: Lane) -> None:
        lane.leave()
        needs = lane.needs
        del self._by_id[lane.id]
        if self._by_needs[needs] is lane:  # and not one that was made anew when this one was deleted
            del self._by_needs[needs]
        for key in _keys(needs):
            self._by_model[key].discard(lane.id)
            if not self._by_model[key]:
                del self._by_model[key]
                self._lines.pop(key, None)
        for worker_id in needs.workers:
            if listed := self._of_listed.get((needs.kind, worker_id)):
                listed.pop(lane.id, None)
                if not listed:
                    del self._of_listed[needs.kind, worker_id]
        self._of_not_listed[needs.kind].pop(lane.id, None)

    def _forget_demands(self) -> None:
        put = {lane.demand for lane in self._by_id.values()}
        if len(self._demands) <= 2 * len(put) + SPARE_DEMANDS:
            return
        self._demands.clear()
        for lane in self._by_id.values():
            lane.demand = self._demand(lane.needs)
        for match in self._all_matches:
            match.forget_demands()

    def add(self, lane_id: int, needs: Needs) -> Lane:
        """Learn of a lane that is there; one that is known stays as it is."""
        if (known := self._by_id.get(lane_id)) is not None:
            return known
        keys = _keys(needs)
        lines = [] if needs.workers else [self._lines[key] for key in keys]
        lane = self._by_id[lane_id] = self._by_needs[needs] = Lane(
            lane_id, needs, self._demand(needs), lines, self._began
        )
        for key in keys:
            self._by_model[key].add(lane_id)
        if needs.worker_blacklist:
            self._of_not_listed[needs.kind][lane_id] = lane
        else:
            for worker_id in needs.workers:
                self._of_listed[needs.kind, worker_id][lane_id] = lane
        return lane

    # ----------------------------------------------------------------------------- hearing of changes
    def hear(self, work: list[Work]) -> None:
        """Something waits now in these lanes."""
        for lane_id, rank, _ in work:
            if lane := self._by_id.get(lane_id):
                lane.gains(rank)
        self.learn_of(lane_id for lane_id, _, _ in work)

    def learn_of(self, lane_ids: Iterable[int]) -> None:
        """These lanes exist: the next `load` learns those that are not known here."""
        self._unknown.update(lane_id for lane_id in lane_ids if lane_id not in self._by_id)
        if len(self._unknown) > UNKNOWN_MAX:
            self._unknown.clear()
            self._is_complete = False

    def doubt(self) -> None:
        """Something may have gone unheard: nothing is held to be empty."""
        self._is_complete = False
        for lane in self._by_id.values():
            lane.gains(ANY_RANK)

    def all(self) -> list[Lane]:
        """Every known lane, to be compared with what the database says."""
        return list(self._by_id.values())

    def sharing_models(self, kind: str, models: frozenset[str]) -> list[int]:
        """The ids of the lanes of a kind that take any model, or one of these."""
        of_models: list[Collection[int]] = [self._by_model.get((kind, model), ()) for model in (None, *models)]
        return list({lane_id for lanes in of_models for lane_id in lanes})

    # ------------------------------------------------------------------------------------- who can what
    def match(self, offer: Offer) -> Match:
        """What this offer can serve, apart from requests that list workers."""
        key = _key(offer)
        found = self._matches.get(key)
        if found is None:
            found = self._matches[key] = Match(replace(offer, worker_id=""))
            self._all_matches.add(found)
        return found

    def waiting_for(self, match: Match, offer: Offer) -> list[Lane]:
        """The lanes in which something may wait that this very worker can serve."""
        return self.best_for(match, offer, at_most=len(self._by_id))

    def best_for(self, match: Match, offer: Offer, *, at_most: int, may_be_targeted: bool = True) -> list[Lane]:
        """The best of them, the best first; `may_be_targeted`: also those that name this worker."""
        found: Line = sorted(
            (-lane.best, lane.id, lane)
            for lane in self._with_lists(offer)
            if lane.best is not None
            and (may_be_targeted or lane.needs.worker_blacklist)
            and can_serve(offer, lane.needs)
        )[:at_most]
        if match.idle_since == self._began.count:
            return [lane for _, _, lane in found]
        # The line with the best head first: what it gives is the bound for all others.
        listed = len(found)
        lines = [line for model in (None, *offer.models) if (line := self._lines.get((offer.kind, model)))]
        for line in sorted(lines, key=_head):
            found = _merged(found, line, match, at_most)
        if not listed and not found:
            match.idle_since = self._began.count
        return [lane for _, _, lane in found]

    def serves(self, match: Match, offer: Offer, lane: Lane) -> bool:
        """Whether this very worker can serve the lane."""
        needs = lane.needs
        if needs.workers:
            return can_serve(offer, needs)
        return (not needs.models or not offer.models.isdisjoint(needs.models)) and match.may_serve(lane)

    def may_list(self, offer: Offer) -> bool:
        """Whether there are lanes that may name this very worker, as one that is wanted or one that is not."""
        return bool(self._of_listed.get((offer.kind, offer.worker_id)) or self._of_not_listed.get(offer.kind))

    def _demand(self, needs: Needs) -> int:
        # What is asked of the models apart: whether any are named at all.
        apart = msgspec.structs.replace(needs, models=needs.models and ("named",))
        return self._demands.setdefault(apart, len(self._demands))

    def _with_lists(self, offer: Offer) -> list[Lane]:
        places: tuple[Mapping[int, Lane], ...] = (
            self._of_listed.get((offer.kind, offer.worker_id), {}), self._of_not_listed.get(offer.kind, {})
        )  # fmt: skip
        return [lane for place in places for lane in place.values()]


async def delete_unused(ctx: Context) -> int:
    """Delete lanes that nobody stands in and that are older than a day; returns how many.

    A node that remembers one of them makes it again when it needs it.
    """
    async with ctx.database.statement() as tx:
        return len(await tx.values(sql.delete_lanes, int, before=ctx.now - UNUSED_FOR, limit=DELETED_MAX))


def _merged(found: Line, line: Line, match: Match, at_most: int) -> Line:
    """The best of both that the offer can serve."""
    more: Line = []
    bound = found[-1] if len(found) >= at_most else None
    meets = match.meets
    for place in line:
        if bound is not None and place >= bound:
            break
        lane = place[2]
        state = meets[lane.demand] if lane.demand < len(meets) else 0
        if state == NO or (not state and not match.may_serve(lane)):
            continue
        if len(lane.needs.models) > 1 and place in found:  # met in the line of another of its models
            continue
        more.append(place)
        if len(more) >= at_most:
            break
    return sorted(found + more)[:at_most] if more else found


def _keys(needs: Needs) -> list[tuple[str, str | None]]:
    return [(needs.kind, model) for model in needs.models or (None,)]


def _row(id: int, needs: object) -> tuple[int, Needs]:
    return id, msgspec.convert(needs, Needs)


def _encoded(needs: Needs) -> bytes:
    return msgspec.json.encode(needs, order="deterministic")


def _key(offer: Offer) -> tuple[object, ...]:
    values = (getattr(offer, field.name) for field in fields(offer) if field.name != "worker_id")
    return tuple(frozenset(value.items()) if isinstance(value, Mapping) else value for value in values)


def _head(line: Line) -> tuple[int, int, Lane]:
    return line[0]
