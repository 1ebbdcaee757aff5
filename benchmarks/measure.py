"""Windows of time in which work is counted and its processor time is read, and medians over rounds of them."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from benchmarks.answers import Answer
from benchmarks.connections import Connection
from benchmarks.processes import Cost, cost
from benchmarks.servers import Server

MS = 1000.0


@dataclass(frozen=True, slots=True)
class Round:
    """How many units of work were done in a window, and what they cost."""

    units: int
    seconds: float
    cost: Cost

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds

    @property
    def served_ms(self) -> float:
        """Processor milliseconds of server and PostgreSQL for one unit."""
        return self.cost.served_s * MS / max(self.units, 1)

    @property
    def server_ms(self) -> float:
        """Those of the server alone."""
        return self.cost.server_s * MS / max(self.units, 1)

    @property
    def postgres_ms(self) -> float:
        """Those of PostgreSQL alone."""
        return self.cost.postgres_s * MS / max(self.units, 1)

    @property
    def driver_ms(self) -> float:
        """Those of this driver, which count for nobody."""
        return self.cost.driver_s * MS / max(self.units, 1)


async def window(server: Server, work: Callable[[], Awaitable[int]]) -> Round:
    """Measure from the start to the end of some work, which says how many units it did."""
    before, begun = cost(server.process_id), time.perf_counter()
    units = await work()
    seconds = time.perf_counter() - begun
    return Round(units, seconds, cost(server.process_id) - before)


async def hammer(
    server: Server,
    connections: Sequence[Connection],
    request: Callable[[int, int], bytes],
    verify: Callable[[Answer], None],
    seconds: float,
) -> Round:
    """Call on every connection again and again; `request` is told which connection and which call. Unit: one call."""
    deadline = time.perf_counter() + seconds
    begun = done = 0

    async def caller(number: int, connection: Connection) -> None:
        nonlocal begun, done
        while time.perf_counter() < deadline:
            begun += 1
            verify(await connection.call(request(number, begun)))
            done += 1

    async def work() -> int:
        async with asyncio.TaskGroup() as group:
            for number, connection in enumerate(connections):
                group.create_task(caller(number, connection))
        return done

    return await window(server, work)


def median(rounds: Sequence[Round], value: Callable[[Round], float]) -> float:
    """The median of a figure over rounds."""
    return statistics.median(value(each) for each in rounds)


def median_ratio(ours: Sequence[Round], theirs: Sequence[Round], value: Callable[[Round], float]) -> float:
    """The median of the ratios of rounds that were measured side by side."""
    return statistics.median(value(a) / value(b) for a, b in zip(ours, theirs, strict=True))
