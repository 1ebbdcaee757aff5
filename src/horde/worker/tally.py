"""What a worker did and does, for the eyes of its owner. Written by the shift, read by the screen and `status`."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

HOUR = timedelta(hours=1)
PAID_MAX = 100_000
"""Deliveries of the last hour that are remembered; nobody makes thirty a second."""


@dataclass(slots=True)
class Doing:
    """One batch in progress."""

    kind: str
    about: str
    jobs: int
    since: datetime
    stage: str = "fetching"
    """fetching, waiting, making, delivering."""
    share: float = 0.0
    """How much is made, from 0 to 1."""


@dataclass(slots=True)
class Tally:
    """Counts of one process. `now` comes from whoever calls, in local time: a day is the owner's."""

    doing: dict[int, Doing] = field(default_factory=dict)
    done_today: int = 0
    faults_today: int = 0
    kudos_today: float = 0.0
    skipped: Counter[str] = field(default_factory=Counter)
    """Requests that waited at the last pop, by what was in the way."""
    last_fault: str = ""
    paused_for: str = ""
    """Why no work is taken now; empty: it is."""
    _day: date | None = None
    _paid: deque[tuple[datetime, float]] = field(default_factory=lambda: deque(maxlen=PAID_MAX))

    def delivered(self, kudos: float, now: datetime) -> None:
        """One more job that the horde took."""
        self._turn_day(now)
        self.done_today += 1
        self.kudos_today += kudos
        self._paid.append((now, kudos))

    def failed(self, jobs: int, reason: str, now: datetime) -> None:
        """Jobs that came to nothing."""
        self._turn_day(now)
        self.faults_today += jobs
        self.last_fault = reason

    def kudos_per_hour(self, now: datetime) -> float:
        """What was earned in the last hour."""
        while self._paid and self._paid[0][0] <= now - HOUR:
            self._paid.popleft()
        return sum(kudos for _, kudos in self._paid)

    def _turn_day(self, now: datetime) -> None:
        if self._day != now.date():
            self._day = now.date()
            self.done_today = self.faults_today = 0
            self.kudos_today = 0.0
