"""Who is online, as this process remembers it: a copy of the workers' rows, brought up to date about once a second.

A pop, a check or a list of workers reads it and asks the database nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from horde.kinds.base import Needs, Offer
from horde.server.accounts.users import ANONYMOUS_ID
from horde.server.context import Context
from horde.server.matching.explain import Resting, explain
from horde.server.matching.lanes import Lane, Lanes, Match
from horde.server.matching.rules import can_serve
from horde.server.memory import Copy
from horde.server.workers.roster import ONLINE_FOR, Worker, sql

OVERLAP = timedelta(seconds=30)
"""How long a transaction may take (db/pool.py): a change is read again so long, as it may be seen late."""
WHOLE_EVERY = timedelta(minutes=5)
"""How often all is read anew, whatever was seen to change."""


@dataclass(frozen=True, slots=True)
class Power:
    """What some workers can do together."""

    workers: int
    threads: int
    speed: float
    """Things per second, of all threads."""

    def __add__(self, other: Power) -> Power:
        return Power(self.workers + other.workers, self.threads + other.threads, self.speed + other.speed)

    @property
    def speed_of_thread(self) -> float:
        """Things per second of one of the threads, on average."""
        return self.speed / self.threads if self.threads else 0.0


NOBODY = Power(0, 0, 0.0)


class Member:
    """A worker online, with what was found out about its offer."""

    __slots__ = ("_match", "offer", "worker")

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.offer: Offer = worker.offer
        self._match: Match | None = None

    @property
    def offer_to_first(self) -> Offer:
        """Its offer to those it serves first: these need not be able to pay (contract/lifecycle.md, section 5 B 25)."""
        return replace(self.offer, requires_cover=False) if self.offer.requires_cover else self.offer

    def match(self, lanes: Lanes) -> Match:
        """What it can serve."""
        if self._match is None:
            self._match = lanes.match(self.offer)
        return self._match

    def match_to_first(self, lanes: Lanes) -> Match:
        """What it can serve for those it serves first."""
        offer = self.offer_to_first
        return self.match(lanes) if offer is self.offer else lanes.match(offer)


class Online:
    """Everybody online at one moment, and newer facts about some of them."""

    def __init__(self, workers: Iterable[Worker], *, whole_at: datetime, changed_at: datetime | None) -> None:
        self._by_id: dict[UUID, Member] = {}
        self._by_name: dict[str, Member] = {}
        self._powers: dict[int | str, Power] = {}
        """By lane or kind; speeds in it are those of when somebody's offer changed last, five minutes ago at most."""
        self._models: dict[str, frozenset[str]] = {}
        self._served: dict[int, bool] = {}
        self._explanations: dict[int, str | None] = {}
        self._teams: dict[UUID, set[int]] | None = None
        """Who has workers of a team online, as far as it is known."""
        self._alike: dict[Match, Power] | None = None
        """The power of those who offer the same, as far as it is known."""
        self.whole_at = whole_at
        self.changed_at = changed_at
        """The newest change that was seen, by the clock of the database."""
        for worker in workers:
            self.put(worker)

    def forget(self, worker: Worker) -> None:
        """It was deleted."""
        if member := self._by_id.pop(worker.id, None):
            if self._by_name.get(member.worker.name) is member:  # another may have its name already
                del self._by_name[member.worker.name]
            self._changed()
        self.changed_at = max(self.changed_at or worker.changed_at, worker.changed_at)

    def put(self, worker: Worker) -> Member:
        """Take in what is newly known of a worker."""
        known = self._by_id.get(worker.id)
        if known is not None and _offers_the_same(known.worker, worker):
            # As most check-ins do: what was found out about its offer and its lanes stays.
            known.worker = worker
            self.changed_at = max(self.changed_at or worker.changed_at, worker.changed_at)
            return known
        if known is not None:
            self._by_name.pop(known.worker.name, None)  # it may have another name now
        member = self._by_id[worker.id] = self._by_name[worker.name] = Member(worker)
        if self.changed_at is None or worker.changed_at > self.changed_at:
            self.changed_at = worker.changed_at
        self._changed()
        return member

    def drop_offline(self, now: datetime) -> None:
        """Forget who has not checked in for too long."""
        for member in list(self._by_id.values()):
            if not member.worker.is_online(now):
                del self._by_id[member.worker.id]
                self._by_name.pop(member.worker.name, None)
                self._changed()

    def named(self, name: str) -> Member | None:
        """The worker of that name."""
        return self._by_name.get(name)

    def get(self, worker_id: UUID) -> Worker | None:
        """The worker with that id, if it is online."""
        member = self._by_id.get(worker_id)
        return member.worker if member else None

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_id.values())

    def workers(self, kind: str | None = None) -> list[Worker]:
        """Everybody, or those of a kind, by name."""
        found = (member.worker for member in self if kind in (None, member.worker.kind))
        return sorted(found, key=lambda worker: worker.name)

    def can_serve(self, needs: Needs, *, owner_id: int) -> bool:
        """Whether any of them would be given a request with these needs by this owner."""
        return any(
            member.worker.kind == needs.kind
            and (member.worker.is_serving_all or self._serves_first(member, owner_id))
            and can_serve(member.offer, needs)
            for member in self
        )

    def power(self, lanes: Lanes, lane: Lane) -> Power:
        """Those who would be given a request of this lane, whoever asks."""
        found = self._powers.get(lane.id)
        if found is None:
            found = self._powers[lane.id] = sum(self._serving(lanes, lane), start=NOBODY)
        return found

    def power_of_kind(self, kind: str) -> Power:
        """All who serve requests of a kind."""
        found = self._powers.get(kind)
        if found is None:
            found = self._powers[kind] = sum((_power(member) for member in self._all_of(kind)), start=NOBODY)
        return found

    def models_of_kind(self, kind: str) -> frozenset[str]:
        """What anybody offers who serves requests of a kind."""
        found = self._models.get(kind)
        if found is None:
            found = frozenset[str]().union(*(member.offer.models for member in self._all_of(kind)))
            self._models[kind] = found
        return found

    def can_serve_lane(self, lanes: Lanes, lane: Lane, *, owner_id: int | None = None) -> bool:
        """Whether any of them would be given a request of this lane, or one of this owner."""
        return self._is_served(lanes, lane) or (owner_id is not None and self.serves_own(lanes, lane, owner_id))

    def serves_own(self, lanes: Lanes, lane: Lane, owner_id: int) -> bool:
        """Whether any of this owner's workers would be given a request of this lane by their owner."""
        return any(
            self._serves_first(member, owner_id)
            and lanes.serves(member.match_to_first(lanes), member.offer_to_first, lane)
            for member in self
            if member.worker.kind == lane.needs.kind
        )

    def explanation(self, lanes: Lanes, lane: Lane) -> str | None:
        """Why nobody can do what waits in this lane, where that is so."""
        if self._is_served(lanes, lane):
            return None
        if lane.id not in self._explanations:
            serving = [member.offer for member in self._all_of(lane.needs.kind)]
            resting = [Resting(member.offer, _state(member)) for member in self if not member.worker.is_serving_all]
            found = explain(lane.needs, serving, resting)
            self._explanations[lane.id] = found.sentence if found else None
        return self._explanations[lane.id]

    def _is_served(self, lanes: Lanes, lane: Lane) -> bool:
        found = self._served.get(lane.id)
        if found is None:
            # The first who can is enough: with thousands of workers it matters.
            found = self._served[lane.id] = next(self._serving(lanes, lane), None) is not None
        return found

    def _all_of(self, kind: str) -> Iterator[Member]:
        return (member for member in self if member.worker.kind == kind and member.worker.is_serving_all)

    def _serving(self, lanes: Lanes, lane: Lane) -> Iterator[Power]:
        if lane.needs.workers:
            for member in self._all_of(lane.needs.kind):
                if lanes.serves(member.match(lanes), member.offer, lane):
                    yield _power(member)
            return
        if self._alike is None:
            self._alike = {}
            for member in self:
                if member.worker.is_serving_all:
                    match = member.match(lanes)
                    self._alike[match] = self._alike.get(match, NOBODY) + _power(member)
        for match, power in self._alike.items():
            if match.offer.kind == lane.needs.kind and lanes.serves(match, match.offer, lane):
                yield power

    def _serves_first(self, member: Member, user_id: int) -> bool:
        worker = member.worker
        if user_id == ANONYMOUS_ID:
            return False  # nobody owns the workers of the anonymous account
        return worker.user_id == user_id or (worker.is_serving_team and user_id in self._people_of(worker.team_id))

    def _people_of(self, team_id: UUID | None) -> set[int]:
        """Whose workers of a team are online."""
        if self._teams is None:
            self._teams = {}
            for member in self:
                if member.worker.team_id:
                    self._teams.setdefault(member.worker.team_id, set()).add(member.worker.user_id)
        return self._teams.get(team_id, set()) if team_id else set()

    def _changed(self) -> None:
        self._teams = None
        self._powers.clear()
        self._models.clear()
        self._served.clear()
        self._explanations.clear()
        self._alike = None


def _state(member: Member) -> str:
    worker = member.worker
    if worker.is_in_maintenance:
        return "in maintenance"
    if worker.is_paused:
        return "paused"
    return f"serving only its {'team' if worker.is_serving_team else 'owner'}"


def _offers_the_same(known: Worker, new: Worker) -> bool:
    return (
        known.terms == new.terms
        and known.models == new.models
        and (known.name, known.kind, known.agent, known.threads) == (new.name, new.kind, new.agent, new.threads)
        and (known.user_id, known.owner_is_trusted) == (new.user_id, new.owner_is_trusted)
        and (known.is_in_maintenance, known.is_paused) == (new.is_in_maintenance, new.is_paused)
        and known.team_id == new.team_id
        and known.is_slow == new.is_slow
    )


def _power(member: Member) -> Power:
    worker = member.worker
    return Power(1, worker.threads, worker.speed * worker.threads)


class Roster:
    """This process's copy of who is online."""

    def __init__(self) -> None:
        self._copy = Copy(_read)

    async def read(self, ctx: Context) -> Online:
        """Everybody online, about a second old at the most. Raises Overloaded at the start without a database."""
        return await self._copy.read(ctx, now=ctx.now, period_s=ctx.services.settings.refresh_s)


async def online(ctx: Context) -> Online:
    """Everybody online, as this process remembers it."""
    return await ctx.remembered(Roster).read(ctx)


async def _read(ctx: Context, known: Online | None) -> Online:
    since = ctx.now - ONLINE_FOR
    is_whole = known is None or ctx.now - known.whole_at >= WHOLE_EVERY or ctx.services.settings.refresh_s == 0
    changed_after = None if known is None or known.changed_at is None or is_whole else known.changed_at - OVERLAP
    async with ctx.database.statement() as tx:
        workers = await tx.all(sql.online_workers, Worker.of_row, since=since, changed_after=changed_after)
    if known is None or is_whole:
        alive = [worker for worker in workers if not worker.is_deleted]
        return Online(alive, whole_at=ctx.now, changed_at=None)
    for worker in workers:
        if worker.is_deleted:
            known.forget(worker)
            continue
        member = known.named(worker.name)
        if member is None or worker.changed_at > member.worker.changed_at:
            known.put(worker)
    known.drop_offline(ctx.now)
    return known
