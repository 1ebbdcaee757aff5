"""How pops, empty pops, check, status and memory fare while much waits, in turns with a server on which little does."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence

from benchmarks import calls
from benchmarks.answers import Answer
from benchmarks.bench import Bench
from benchmarks.books import Violated
from benchmarks.connections import connections
from benchmarks.fixed import route_of
from benchmarks.measure import MS, Round, hammer, median_ratio
from benchmarks.needs import A_TENTH, EVERYTHING, NOTHING, Offer
from benchmarks.processes import memory
from benchmarks.scenarios.cycle import raw_answers
from benchmarks.scenarios.empty import WORKERS, idle_pops, verify_empty
from benchmarks.servers import fixed_server
from benchmarks.waiting import Backlog, backlog

SCENARIO = "backlog"
OFFERS = ((EVERYTHING, "everything servable"), (A_TENTH, "a tenth servable"))
POLLERS = 32
TURNS = 20
"""Of each server in a round."""
P99 = 98
"""Of the 99 cuts that make hundredths."""


async def measure_backlog(bench: Bench) -> None:
    """Figures at each backlog, filled through the API, and then what only the largest shows."""
    bench.say("backlogs: two servers, one of which stays small")
    async with backlog(bench, lines=WORKERS) as little, backlog(bench, lines=WORKERS) as much:
        _put_memory(bench, little, waiting=0)
        await little.fill_to(bench.plan.backlogs[0])
        for size in bench.plan.backlogs:
            filled = await much.fill_to(size)
            bench.put(SCENARIO, f"fill to {size:,}, rate", filled.rate, "calls/s")
            await _measure_pops(bench, little, much, size)
        largest = bench.plan.backlogs[-1]
        _put_memory(bench, much, waiting=largest)
        await _measure_polling(bench, much, largest)
        await little.drain()
        await _measure_empty_pops(bench, little, much, largest)


async def _measure_pops(bench: Bench, little: Backlog, much: Backlog, size: int) -> None:
    for offer, name in OFFERS:
        few, many = await _latencies(bench, little, much, offer)
        bench.put(SCENARIO, f"pop p50 at {size:,}, {name}", statistics.median(many) * MS, "ms")
        bench.put(SCENARIO, f"pop p99 at {size:,}, {name}", _p99(many) * MS, "ms")
        in_vain, much.tally.empty_pops = much.tally.empty_pops, 0
        bench.put(SCENARIO, f"pops in vain in 1,000 at {size:,}, {name}", MS * in_vain / len(many))
        if size > bench.plan.backlogs[0]:
            over = f"at {size:,} over {bench.plan.backlogs[0]:,}, {name}"
            bench.put(SCENARIO, f"pop p50 {over}", statistics.median(many) / statistics.median(few), "ratio")
            bench.put(SCENARIO, f"pop p99 {over}", _p99(many) / _p99(few), "ratio")


async def _latencies(bench: Bench, little: Backlog, much: Backlog, offer: Offer) -> tuple[list[float], list[float]]:
    """Of pops on both, in short turns: then what the machine does meanwhile slows both, and the tails can be compared.

    All rounds together: of the pops of one alone the slowest hundredth are too few to tell anything.
    """
    few, many = list[float](), list[float]()
    for turn in range(bench.plan.rounds * TURNS):
        for queue, latencies in ((little, few), (much, many)) if turn % 2 else ((much, many), (little, few)):
            latencies.extend(await queue.pop_latencies(offer, pops=bench.plan.pops // TURNS))
    return few, many


def _p99(latencies: Sequence[float]) -> float:
    return statistics.quantiles(latencies, n=100)[P99]


async def _measure_polling(bench: Bench, much: Backlog, size: int) -> None:
    ids = [entry.request_id for entry in much.books.waiting_entries()]
    random.Random(size).shuffle(ids)  # noqa: S311 - an order
    for name, make in (("check", calls.check), ("status", calls.status)):
        requests = [make(request_id) for request_id in ids]
        await _in_turns(bench, much, f"{name} at {size:,}", requests)


async def _in_turns(bench: Bench, much: Backlog, name: str, requests: Sequence[bytes]) -> None:
    request = _each_in_turn(requests)
    ours, limit = [], []
    sample = await much.lines[0].call(request(0, 0))
    async with (
        fixed_server(bench.installation, raw_answers({route_of(request(0, 0)): (request(0, 0), sample)})) as fixed,
        connections(fixed.port, POLLERS) as fixed_lines,
    ):
        for _ in range(bench.plan.rounds):
            ours.append(await hammer(much.server, much.lines[:POLLERS], request, _verify_waits, bench.plan.window_s))
            limit.append(await hammer(fixed, fixed_lines, request, _verify_waits, bench.plan.window_s))
    bench.put_limit(SCENARIO, name, ours, limit, unit="call")


def _each_in_turn(requests: Sequence[bytes]) -> Callable[[int, int], bytes]:
    return lambda _, call: requests[call % len(requests)]


def _verify_waits(answer: Answer) -> None:
    if answer.status != 200:
        raise Violated(f"a request that waits was answered {answer.status}: {answer.body[:300]!r}")
    progress = calls.read_progress(answer.body)
    if progress.done or progress.waiting != 1:
        raise Violated(f"a request that waits was told to be {progress}")


async def _measure_empty_pops(bench: Bench, nothing: Backlog, much: Backlog, size: int) -> None:
    ours, theirs = list[Round](), list[Round]()
    for _ in range(bench.plan.rounds):
        for rounds, queue in ((theirs, nothing), (ours, much)):
            pops = idle_pops(queue.owners, NOTHING)
            rounds.append(await hammer(queue.server, queue.lines, pops, verify_empty, bench.plan.window_s))
    bench.put_rounds(SCENARIO, "empty pop at 0", theirs, unit="call")
    bench.put_rounds(SCENARIO, f"empty pop at {size:,} unservable", ours, unit="call")
    ratio = median_ratio(ours, theirs, lambda r: r.rate)
    bench.put(SCENARIO, f"empty pops at {size:,} over 0, rate", ratio, "ratio")


def _put_memory(bench: Bench, queue: Backlog, *, waiting: int) -> None:
    used = memory(queue.server.process_id)
    bench.put(SCENARIO, f"memory of the server at {waiting:,}", used.server_mib, "MiB")
    bench.put(SCENARIO, f"memory of PostgreSQL at {waiting:,}", used.postgres_mib, "MiB")
