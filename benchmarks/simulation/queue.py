"""What PostgreSQL knows in life: the requests of each lane in the order of the index (rank descending, seq).

The statement `heads` reads that index; here a heap per lane gives its one best request. Nothing is decided here.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from heapq import heappop, heappush

from benchmarks.simulation.demand import STANDINGS, Asked
from horde.kinds import image
from horde.server.matching.lanes import Lane
from horde.server.matching.order import AGEING, AGEING_PERIOD
from horde.units import KUDOS_SCALE

S_PER_KUDOS = AGEING_PERIOD.total_seconds() / AGEING


@dataclass(slots=True)
class Waiting:
    """A request of which at least one job waits."""

    seq: int
    rank: int
    lane: Lane
    asked: Asked
    things: int
    """Of one job."""
    left: int
    """Jobs that nobody was given."""


class Queue:
    """All that waits."""

    def __init__(self) -> None:
        self.requests = 0
        self.jobs = 0
        self.passed_beyond_ageing = 0
        """Requests passed, in their own lane, by one so young that ageing should have put it behind them."""
        self._lanes: defaultdict[int, list[tuple[int, int, Waiting]]] = defaultdict(list)
        self._oldest: defaultdict[tuple[int, int], deque[Waiting]] = defaultdict(deque)
        self._of_account: defaultdict[int, int] = defaultdict(int)
        self._of_anonymous: defaultdict[str | None, dict[int, int]] = defaultdict(dict)

    def add(self, waiting: Waiting) -> None:
        """A new request."""
        heappush(self._lanes[waiting.lane.id], (-waiting.rank, waiting.seq, waiting))
        self._oldest[waiting.lane.id, waiting.asked.standing].append(waiting)
        self.requests += 1
        self.jobs += waiting.left
        self._count(waiting, 1)

    def head(self, lane: Lane) -> Waiting | None:
        """The best request of a lane."""
        heap = self._lanes[lane.id]
        return heap[0][2] if heap else None

    def counts(self) -> list[tuple[Lane, int]]:
        """How many requests wait in each lane, as a survey of the queue would say."""
        return [(heap[0][2].lane, len(heap)) for heap in self._lanes.values() if heap]

    def waiting(self) -> list[Waiting]:
        """All of them, in no order."""
        return [waiting for heap in self._lanes.values() for _, _, waiting in heap]

    def take(self, waiting: Waiting) -> None:
        """Hand out one job of a lane's head."""
        heap = self._lanes[waiting.lane.id]
        assert heap[0][2] is waiting, "only the head of a lane is handed out"
        self._watch_for_starvation(waiting)
        waiting.left -= 1
        self.jobs -= 1
        if not waiting.left:
            heappop(heap)
            self.requests -= 1
            self._count(waiting, -1)

    def turn(self, asked: Asked) -> int:
        """How many requests of the account wait already; of the anonymous one only those for the same models count."""
        if not STANDINGS[asked.standing].is_anonymous or not asked.draft.models:
            return self._of_account[asked.account]
        lanes: dict[int, int] = dict(self._of_anonymous[None])
        for model in asked.draft.models:
            lanes |= self._of_anonymous[model]
        return sum(lanes.values())

    def _count(self, waiting: Waiting, step: int) -> None:
        asked = waiting.asked
        self._of_account[asked.account] += step
        if STANDINGS[asked.standing].is_anonymous:
            for model in asked.draft.models or (None,):
                of_model = self._of_anonymous[model]
                of_model[waiting.lane.id] = of_model.get(waiting.lane.id, 0) + step
                if not of_model[waiting.lane.id]:
                    del of_model[waiting.lane.id]

    def _watch_for_starvation(self, taken: Waiting) -> None:
        for standing, other in enumerate(STANDINGS):
            line = self._oldest[taken.lane.id, standing]
            while line and not line[0].left:
                line.popleft()
            if line:
                ahead = (STANDINGS[taken.asked.standing].balance - other.balance) / KUDOS_SCALE * S_PER_KUDOS
                younger_s = taken.asked.at_s - line[0].asked.at_s
                self.passed_beyond_ageing += younger_s > ahead + AGEING_PERIOD.total_seconds()


def things_of(asked: Asked) -> int:
    """The work of one of its jobs."""
    return image.things(asked.draft.params)
