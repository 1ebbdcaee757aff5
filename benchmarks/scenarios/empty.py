"""Workers with nothing to do, which is what most calls of a horde are: each of them polls."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import calls
from benchmarks.actors import Tally, register
from benchmarks.answers import Answer
from benchmarks.bench import Bench
from benchmarks.books import Violated
from benchmarks.connections import connections
from benchmarks.fixed import route_of
from benchmarks.measure import hammer
from benchmarks.needs import EVERYTHING, Offer
from benchmarks.scenarios.cycle import raw_answers
from benchmarks.servers import fixed_server, horde_server

SCENARIO = "empty"
WORKERS = 64
"""Distinct ones: a server may not live on the case that one worker asks again and again."""


async def measure_empty_pops(bench: Bench) -> None:
    """Figures of pops that find nothing, in turns with the limit of the HTTP layer."""
    bench.say(f"empty pops: {WORKERS} workers with distinct names and owners")
    ours, limit = [], []
    async with (
        horde_server(bench.installation) as horde,
        connections(horde.port, WORKERS) as lines,
    ):
        pops = idle_pops(await register(Tally(), lines, WORKERS), EVERYTHING)
        sample = await lines[0].call(pops(0, 0))
        await hammer(horde, lines, pops, verify_empty, bench.plan.window_s / 2)
        async with (
            fixed_server(bench.installation, raw_answers({route_of(pops(0, 0)): (pops(0, 0), sample)})) as fixed,
            connections(fixed.port, WORKERS) as fixed_lines,
        ):
            for _ in range(bench.plan.rounds):
                ours.append(await hammer(horde, lines, pops, verify_empty, bench.plan.window_s))
                limit.append(await hammer(fixed, fixed_lines, pops, verify_empty, bench.plan.window_s))
    bench.put_limit(SCENARIO, "empty pop", ours, limit, unit="call")


def idle_pops(keys: list[str], offer: Offer) -> Callable[[int, int], bytes]:
    """The pop of the worker of each connection: distinct names, one of each owner, each with one call at a time."""
    made = [calls.pop(key, f"bench idler {number}", offer) for number, key in enumerate(keys)]
    return lambda connection, _: made[connection]


def verify_empty(answer: Answer) -> None:
    """Raises Violated for anything but a pop that found nothing."""
    if answer.status != 200 or calls.read_popped(answer.body).id is not None:
        raise Violated(f"a pop that can find nothing answered {answer.status}: {answer.body[:300]!r}")
