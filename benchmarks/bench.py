"""One run: how it is to be measured, and the figures that came of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.figures import Figure
from benchmarks.measure import Round, median, median_ratio
from benchmarks.servers import Installation
from benchmarks.targets import target_of


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    clients: int
    rounds: int
    window_s: float
    enqueued: int
    """Requests of one round of the enqueue scenario."""
    pops: int
    """Pops of one round at one backlog."""
    backlogs: tuple[int, ...]


FULL = Plan(clients=64, rounds=3, window_s=4.0, enqueued=6000, pops=800, backlogs=(100, 1000, 10_000, 100_000))
QUICK = Plan(clients=32, rounds=1, window_s=1.5, enqueued=1500, pops=100, backlogs=(100, 1000))


@dataclass(slots=True)
class Bench:
    """What every scenario gets."""

    installation: Installation
    plan: Plan
    pictures: Sequence[bytes]
    small_picture: bytes
    figures: list[Figure] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def put(self, scenario: str, name: str, value: float, unit: str = "") -> None:
        """Keep a figure, and show it with its target."""
        figure = Figure(scenario, name, round(value, 4), unit)
        self.figures.append(figure)
        target = target_of(scenario, name)
        sys.stdout.write(f"  {name:<58} {shown(value):>12} {unit:<10}{f' target {target}' if target else ''}\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        """Tell the person what goes on."""
        sys.stdout.write(f"[{time.monotonic() - self.begun:5.0f} s] {text}\n")
        sys.stdout.flush()

    def put_rounds(self, scenario: str, what: str, rounds: Sequence[Round], *, unit: str) -> None:
        """The figures that every load has; medians over the rounds."""
        self.put(scenario, f"{what}, rate", median(rounds, lambda r: r.rate), f"{unit}s/s")
        self.put(scenario, f"{what}, CPU", median(rounds, lambda r: r.served_ms), f"ms/{unit}")
        self.put(scenario, f"{what}, CPU of the server", median(rounds, lambda r: r.server_ms), f"ms/{unit}")
        self.put(scenario, f"{what}, CPU of PostgreSQL", median(rounds, lambda r: r.postgres_ms), f"ms/{unit}")
        self.put(scenario, f"{what}, CPU of the driver (apart)", median(rounds, lambda r: r.driver_ms), f"ms/{unit}")

    def put_limit(self, scenario: str, what: str, ours: Sequence[Round], limit: Sequence[Round], *, unit: str) -> None:
        """The same beside the HTTP layer's limit, measured in turns with it."""
        self.put_rounds(scenario, what, ours, unit=unit)
        self.put(scenario, f"{what}, limit of HTTP", median(limit, lambda r: r.rate), f"{unit}s/s")
        self.put(scenario, f"{what}, CPU of HTTP alone", median(limit, lambda r: r.served_ms), f"ms/{unit}")
        busy = median(limit, lambda r: r.cost.driver_s / r.seconds)
        self.put(scenario, f"{what}, driver busy at the limit of HTTP", busy, "cores")
        beyond = median(ours, lambda r: r.served_ms) - median(limit, lambda r: r.served_ms)
        self.put(scenario, f"{what}, CPU beyond HTTP", beyond, f"ms/{unit}")
        self.put(scenario, f"{what}, share of the limit of HTTP", median_ratio(ours, limit, lambda r: r.rate), "ratio")


def shown(value: float) -> str:
    """A figure with three meaningful digits or more."""
    if value != 0 and abs(value) < 10:
        return f"{value:.3f}"
    return f"{value:,.1f}" if abs(value) < 1000 else f"{value:,.0f}"
