"""Asking alone: no worker is there, requests pile up."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.waiting import backlog

SCENARIO = "enqueue"


async def measure_enqueue(bench: Bench) -> None:
    """Figures of generate/async."""
    plan = bench.plan
    bench.say(f"enqueue only: {plan.clients} requestors, {plan.enqueued} requests a round")
    async with backlog(bench, lines=plan.clients) as waiting:
        rounds = [await waiting.fill_to(plan.enqueued * (number + 1)) for number in range(plan.rounds)]
    bench.put_rounds(SCENARIO, "enqueue", rounds, unit="call")
    bench.put(SCENARIO, "answers 429 or 503", waiting.tally.busy)
