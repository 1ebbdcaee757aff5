"""The horde's life, event by event: requests arrive, workers take jobs and finish them, idle ones wait to be woken.

Of the product: drafts become needs, things and price by `kinds.image`; lanes, matching and ranks by
`server.matching`; who is online, its check-ins and whether a request is possible by `server.workers`. As in
`requests/pop.py` and `requests/wait.py`, a worker takes the best head of all lanes that it can serve, checks in when it
has not for 30 s, and new work wakes as many of the longest waiting workers as there are jobs. Played are PostgreSQL
(`queue.py`), the network and the GPUs; a worker delivers exactly when its speed says.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import heappop, heappush
from random import Random

from benchmarks.simulation.demand import STANDINGS, Asked, demand
from benchmarks.simulation.fleet import Machine, fleet
from benchmarks.simulation.queue import Queue, Waiting, things_of
from benchmarks.simulation.tally import Tally
from horde.kinds import image
from horde.kinds.base import asked_by
from horde.server.ledger.accounts import FLOOR_ANONYMOUS, FLOOR_PSEUDONYMOUS
from horde.server.matching.lanes import Lane, Lanes
from horde.server.matching.order import EPOCH, priority, rank
from horde.server.matching.rules import failures
from horde.server.requests.tries import LANES_TRIED
from horde.server.requests.wait import WAIT_S_MAX
from horde.server.workers.checkin import DEBOUNCE
from horde.server.workers.online import Member, Online

LOAD, SEED = 0.9, 1
REFRESH_S = 1.0
"""How often the house reads who changed (`Settings.refresh_s`)."""
SPEEDS_KEPT = 20

WITH_WORK, IN_VAIN = "pop with work", "pop in vain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is simulated."""

    workers: int
    requests: int
    load: float = LOAD
    """Of the fleet's speed."""
    seed: int = SEED
    sample: int = 1000
    """Of so many calls of what is costly and decides nothing here, one is made and measured."""


@dataclass(slots=True)
class _Place:
    """A worker's place in the simulation."""

    number: int
    name: str
    speed: float
    waits: int = 0
    """Counts its waits, so that an end that was planned for an earlier one is known to be stale."""


class Horde:
    """One simulation, to be run once."""

    def __init__(
        self,
        plan: Plan,
        *,
        on_taken: Callable[[Member, Waiting], None] | None = None,
        on_asked: Callable[[Asked], None] | None = None,
    ) -> None:
        """`on_taken` is called just before each job is handed out, to check it; `on_asked` after each request."""
        self.plan = plan
        self.tally = Tally()
        self.queue = Queue()
        self.lanes = Lanes()
        self._on_taken = on_taken
        self._on_asked = on_asked
        self._now_s = 0.0
        random = Random(plan.seed)  # noqa: S311 - draws a horde, guards nothing
        self._machines = fleet(random, plan.workers, now=EPOCH)
        workers = [machine.worker for machine in self._machines]
        self.online = Online(workers, whole_at=EPOCH, changed_at=None)
        speed = sum(machine.speed for machine in self._machines)
        self._demand = demand(random, plan.requests, work_per_s=speed * plan.load)
        self._places = [_Place(n, m.worker.name, m.speed) for n, m in enumerate(self._machines)]
        self._waiting: dict[int, _Place] = {}
        """The idle workers, the longest waiting first."""
        self._offering_model: defaultdict[str, dict[int, _Place]] = defaultdict(dict)
        self._delivered: dict[str, Machine] = {}
        self._is_servable: dict[int, bool] = {}
        self._events: list[tuple[float, int, _Place, int]] = []
        """(when, tie-break, who, the wait that ends then; -1: its job does)"""
        self._planned = 0
        self._taken_at_s = 0.0
        self._are_all_here = False

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return EPOCH + timedelta(seconds=self._now_s)

    def run(self) -> Tally:
        """From the first arrival until everything is done."""
        random = Random(self.plan.seed)  # noqa: S311 - as above
        for place in self._places:  # they come one by one in the first half minute
            self._wait(place, random.random() * DEBOUNCE.total_seconds())
        refresh_s = 0.0
        for asked in self._with_end(self._demand):
            until_s = asked.at_s if asked else float("inf")
            if asked is None:
                self._are_all_here = True
                self.tally.busy_after_s = sum(at_s - self._now_s for at_s, _, _, wait in self._events if wait < 0)
            while self._events and self._events[0][0] <= until_s and (asked or self._goes_on):
                self._now_s, _, place, wait = heappop(self._events)
                if self._now_s >= refresh_s:
                    self._refresh()
                    refresh_s = self._now_s + REFRESH_S
                self._happen(place, wait)
            if asked:
                self._now_s = asked.at_s
                self._submit(asked)
                self.tally.arriving_s = asked.at_s
                if self._on_asked:
                    self._on_asked(asked)
        self.tally.ended_s = self._now_s
        return self.tally

    @property
    def _goes_on(self) -> bool:
        """Once nobody asks any more: until all is done, or all have asked in vain for what waits."""
        is_busy = len(self._waiting) < len(self._places)
        return is_busy or (self.queue.jobs > 0 and self._now_s - self._taken_at_s <= 2 * WAIT_S_MAX)

    @staticmethod
    def _with_end(demand: Iterator[Asked]) -> Iterator[Asked | None]:
        yield from demand
        yield None

    # ---------------------------------------------------------------------------------------- requestors
    def _submit(self, asked: Asked) -> None:
        tally, standing = self.tally, STANDINGS[asked.standing]
        tally.requests += 1
        started = tally.start()
        needs, price = image.needs(asked.draft), image.KIND.price(asked.draft)
        floor = FLOOR_ANONYMOUS if standing.is_anonymous else FLOOR_PSEUDONYMOUS
        can_pay = standing.balance - floor >= price
        needs = asked_by(needs, is_trusted=False, can_pay=can_pay, is_from_unsafe_ip=False)
        place = rank(priority(standing.balance, self.now), self.queue.turn(asked))
        tally.stop(started, tally.costs["submit"])
        if not self.lanes.knows(needs):
            self.lanes.add(len(self._is_servable), needs)
            lane = self.lanes.of(needs)
            lane.was_seen(None, at_changes=lane.changes)
            self._is_servable[lane.id] = any(self.lanes.serves(m.match(self.lanes), m.offer, lane) for m in self.online)
        lane = self.lanes.of(needs)
        if tally.requests % self.plan.sample == 0:
            self._ask_whether_possible(asked, lane)
        if not self._is_servable[lane.id]:
            tally.unservable += 1
            return
        self.queue.add(Waiting(tally.requests, place, lane, asked, things_of(asked), asked.draft.n))
        tally.requests_waiting_most = max(tally.requests_waiting_most, self.queue.requests)
        lane.gains(place)
        for worker in self._woken(lane, asked.draft.n):
            self._leave(worker)
            self._pop(worker)

    def _ask_whether_possible(self, asked: Asked, lane: Lane) -> None:
        """What `submit` also looks up for each request, measured of a few."""
        with self.tally.timed("is a request possible (sampled)"):
            possible = self.online.can_serve_lane(self.lanes, lane, owner_id=-1)
        assert possible == self._is_servable[lane.id], "what nobody can do is not possible"
        if STANDINGS[asked.standing].is_anonymous:
            with self.tally.timed("lanes of the same models (sampled)"):
                self.lanes.sharing_models(image.NAME, frozenset(asked.draft.models))

    def _woken(self, lane: Lane, jobs: int) -> list[_Place]:
        started = self.tally.start()
        woken = []
        for place in self._offering(lane):
            member = self.online.named(place.name)
            assert member is not None, "who waits has checked in"
            if self.lanes.serves(member.match(self.lanes), member.offer, lane):
                woken.append(place)
                if len(woken) >= jobs:
                    break
        self.tally.stop(started, self.tally.costs["wake"])
        return woken

    # ------------------------------------------------------------------------------------------- workers
    def _happen(self, place: _Place, wait: int) -> None:
        if wait < 0:
            self._delivered[place.name] = self._machines[place.number]
        elif place.waits != wait or place.number not in self._waiting:
            return
        else:
            self._leave(place)
        self._pop(place)

    def _pop(self, place: _Place) -> None:
        member = self._check_in(place)
        started = self.tally.start()
        tried = self.lanes.best_for(member.match(self.lanes), member.offer, at_most=LANES_TRIED + 1)
        head = self._first(tried)
        backlog = self.tally.by_backlog[self.queue.requests.bit_length()]
        if head:
            self.tally.stop(started, self.tally.costs[WITH_WORK], backlog)
        else:
            self.tally.stop(started, self.tally.costs[IN_VAIN])
        if head is None:
            self._count_skipped(member)
            self._wait(place, WAIT_S_MAX)
            return
        self._take(place, member, head)

    def _first(self, lanes: list[Lane]) -> Waiting | None:
        """The head that goes first. Lanes know their best rank exactly, as there is one process and no fault."""
        heads = [head for lane in lanes if (head := self.queue.head(lane))]
        return min(heads, key=lambda head: (-head.rank, head.seq), default=None)

    def _count_skipped(self, member: Member) -> None:
        """What an idle worker is told that it failed, measured of a few."""
        if self.tally.costs[IN_VAIN].calls % self.plan.sample == 0:
            match, counts = member.match(self.lanes), self.queue.counts()
            with self.tally.timed("skipped counters of an idle pop (sampled)"):
                skipped: Counter[str] = Counter()
                for lane, requests in counts:
                    for key in failures(lane.needs, match.offer):
                        skipped[key] += requests

    def _take(self, place: _Place, member: Member, head: Waiting) -> None:
        if self._on_taken:
            self._on_taken(member, head)
        self._taken_at_s = self._now_s
        is_first = head.left == head.asked.draft.n
        self.queue.take(head)
        following = self.queue.head(head.lane)
        head.lane.was_seen(following.rank if following else None, at_changes=head.lane.changes)
        self.tally.handed(head, now_s=self._now_s, is_first=is_first)
        work_s = head.things / place.speed
        self.tally.busy_s += work_s
        if self._are_all_here:
            self.tally.busy_after_s += work_s
        self._plan(self._now_s + work_s, place, -1)

    def _wait(self, place: _Place, wait_s: float) -> None:
        place.waits += 1
        for line in self._lines_of(place):
            line[place.number] = place
        self._plan(self._now_s + wait_s, place, place.waits)

    def _leave(self, place: _Place) -> None:
        for line in self._lines_of(place):
            del line[place.number]

    def _lines_of(self, place: _Place) -> list[dict[int, _Place]]:
        models = self._machines[place.number].worker.models
        return [self._waiting, *(self._offering_model[model] for model in models)]

    def _offering(self, lane: Lane) -> Iterable[_Place]:
        models = lane.needs.models
        if not models:
            return self._waiting.values()
        if len(models) == 1:
            return self._offering_model[models[0]].values()
        offering = {number for model in models for number in self._offering_model[model]}
        return (place for place in self._waiting.values() if place.number in offering)

    def _plan(self, at_s: float, place: _Place, wait: int) -> None:
        self._planned += 1
        heappush(self._events, (at_s, self._planned, place, wait))

    # -------------------------------------------------------------------------------- who is known to be there
    def _check_in(self, place: _Place) -> Member:
        member = self.online.named(place.name)
        assert member is not None, "the fleet checked in before the start"
        now = self.now
        if now - member.worker.last_seen >= DEBOUNCE:
            started = self.tally.start()
            member = self.online.put(replace(member.worker, last_seen=now, changed_at=now))
            member.match(self.lanes)
            self.tally.stop(started, self.tally.costs["check-in with news"])
        return member

    def _refresh(self) -> None:
        """Take in what deliveries changed of the workers, as the house reads it back once a second."""
        now = self.now
        for machine in self._delivered.values():
            member = self.online.named(machine.worker.name)
            assert member is not None, "who delivered is there"
            speeds = (*member.worker.speeds, machine.speed)[-SPEEDS_KEPT:]
            started = self.tally.start()
            member = self.online.put(replace(member.worker, speeds=speeds, changed_at=now))
            member.match(self.lanes)
            self.tally.stop(started, self.tally.costs["worker read anew after a delivery"])
        self._delivered.clear()
