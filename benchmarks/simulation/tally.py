"""What came of it: waits, work, and the processor time of the product's code alone."""

from __future__ import annotations

import time
from array import array
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.simulation.demand import HUNDRED, SINGLES, STANDINGS
from benchmarks.simulation.queue import Waiting

MS = 1e6
"""Nanoseconds."""
MEASURED_EVERY = 7
"""Of so many calls of one kind, one is measured: reading the processor's clock costs up to some microseconds."""


@dataclass(slots=True)
class Cost:
    """Processor time of one kind of call to the product."""

    calls: int = 0
    measured: int = 0
    ns: int = 0
    """Of those that were measured."""

    @property
    def ms_each(self) -> float:
        """Milliseconds of one call."""
        return self.ns / MS / self.measured if self.measured else 0.0

    @property
    def ms(self) -> float:
        """Milliseconds of all calls."""
        return self.ms_each * self.calls


@dataclass(slots=True)
class Tally:
    """The books of one simulation."""

    waits: list[array[float]] = field(default_factory=lambda: [array("d") for _ in STANDINGS])
    """By standing: seconds until the first job of a request was handed out."""
    probes: dict[str, array[float]] = field(default_factory=lambda: {SINGLES: array("d"), HUNDRED: array("d")})
    unservable: int = 0
    requests: int = 0
    handed_out: int = 0
    busy_s: float = 0.0
    """Summed over the workers."""
    busy_after_s: float = 0.0
    """What of it lies after the last request's arrival, when the horde runs out of work."""
    arriving_s: float = 0.0
    """When the last request came."""
    ended_s: float = 0.0
    requests_waiting_most: int = 0
    costs: defaultdict[str, Cost] = field(default_factory=lambda: defaultdict(Cost))
    by_backlog: defaultdict[int, Cost] = field(default_factory=lambda: defaultdict(Cost))
    """Pops by the number of bits of how many requests waited."""
    _started: int = 0

    def start(self) -> int:
        """Begin to measure a call, or not: 0."""
        self._started += 1
        return time.thread_time_ns() if self._started % MEASURED_EVERY == 0 else 0

    def stop(self, started: int, *names: Cost) -> None:
        """The call is over; charge it to all of these."""
        ns = time.thread_time_ns() - started if started else 0
        for cost in names:
            cost.calls += 1
            if started:
                cost.measured += 1
                cost.ns += ns

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure what happens inside, every time."""
        started = time.thread_time_ns()
        yield
        self.stop(started, self.costs[name])

    def handed(self, waiting: Waiting, *, now_s: float, is_first: bool) -> None:
        """A job was handed out."""
        self.handed_out += 1
        waited = now_s - waiting.asked.at_s
        if is_first:
            asked = waiting.asked
            (self.probes[asked.probe] if asked.probe else self.waits[asked.standing]).append(waited)
