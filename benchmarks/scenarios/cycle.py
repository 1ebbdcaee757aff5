"""The whole way of a picture: asked for, popped, handed in, checked, read; beside the same HTTP calls and no work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from benchmarks.answers import Answer
from benchmarks.bench import Bench
from benchmarks.connections import Connection, connections
from benchmarks.market import crowd
from benchmarks.measure import MS, Round, median, median_ratio, window
from benchmarks.servers import Server, fixed_server, horde_server

SCENARIO = "cycle"
ORDER = ("async", "check", "pop", "submit", "check", "status")
"""The calls of a cycle; pop and submit come over the worker's connection."""
OF_WORKER = ("pop", "submit")


async def measure_cycle(bench: Bench) -> None:
    """Figures of full cycles, in turns with the limit of the HTTP layer."""
    bench.say(f"full cycles: {bench.plan.clients} requestors and as many workers, pictures of {_kib(bench)} KiB inline")
    ours, limit, framed = [], [], []
    async with horde_server(bench.installation) as horde, crowd(bench, horde) as people:
        tally = people.market.tally
        tally.samples = {}
        await people.cycle(bench.plan.window_s / 2)
        samples, tally.samples = tally.samples, None
        requests = {route.rpartition("/")[2]: request for route, (request, _) in samples.items()}
        checks, empty, received = tally.checks, tally.empty_pops, people.market.books.received
        async with (
            fixed_server(bench.installation, raw_answers(samples)) as fixed,
            fixed_server(bench.installation, raw_answers(samples), is_framed=True) as framework,
        ):
            for _ in range(bench.plan.rounds):
                ours.append(await people.cycle(bench.plan.window_s))
                limit.append(await _replayed(fixed, requests, bench.plan.clients, bench.plan.window_s))
                framed.append(await _replayed(framework, requests, bench.plan.clients, bench.plan.window_s))
        cycles = people.market.books.received - received
    bench.put_limit(SCENARIO, "cycle", ours, limit, unit="cycle")
    bench.put(SCENARIO, "cycle, limit of HTTP by the framework", median(framed, lambda r: r.rate), "cycles/s")
    bench.put(SCENARIO, "cycle, CPU of HTTP by the framework", median(framed, lambda r: r.served_ms), "ms/cycle")
    share = median_ratio(ours, framed, lambda r: r.rate)
    bench.put(SCENARIO, "cycle, share of the limit of HTTP by the framework", share, "ratio")
    bench.put(SCENARIO, "checks in a cycle", (tally.checks - checks) / cycles)
    bench.put(SCENARIO, "pops in vain in 1,000 cycles", MS * (tally.empty_pops - empty) / cycles)
    bench.put(SCENARIO, "answers 429 or 503", tally.busy)


def raw_answers(samples: Mapping[str, tuple[bytes, Answer]]) -> dict[str, bytes]:
    """What the fixed server is to answer on each route."""
    return {route: answer.head + b"\r\n" + answer.body for route, (_, answer) in samples.items()}


async def _replayed(fixed: Server, requests: Mapping[str, bytes], clients: int, seconds: float) -> Round:
    deadline = time.perf_counter() + seconds
    cycles = 0

    async def replay(requestor: Connection, worker: Connection) -> None:
        nonlocal cycles
        while time.perf_counter() < deadline:
            for name in ORDER:
                answer = await (worker if name in OF_WORKER else requestor).call(requests[name])
                assert answer.body, f"the fixed server has nothing to say to {name}"
            cycles += 1

    async def work() -> int:
        async with asyncio.TaskGroup() as group:
            for requestor, worker in zip(lines[:clients], lines[clients:], strict=True):
                group.create_task(replay(requestor, worker))
        return cycles

    async with connections(fixed.port, 2 * clients) as lines:
        return await window(fixed, work)


def _kib(bench: Bench) -> int:
    return round(sum(len(picture) for picture in bench.pictures) * 3 / 4 / len(bench.pictures) / 1024)
