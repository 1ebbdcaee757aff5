"""One account that everybody shares, the anonymous one, against an account for each requestor."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.calls import ANONYMOUS_KEY
from benchmarks.locks import LONG_WAIT_MS, Contention, watched
from benchmarks.market import crowd
from benchmarks.measure import Round, median_ratio
from benchmarks.servers import horde_server

SCENARIO = "hot"


async def measure_hot(bench: Bench) -> None:
    """Figures of full cycles with both, in turns on one server, with what PostgreSQL says of locks."""
    bench.say(f"one hot account: {bench.plan.clients} requestors with the key {ANONYMOUS_KEY}, then each with its own")
    rounds: dict[str, list[Round]] = {"hot": [], "spread": []}
    locks: dict[str, list[Contention]] = {"hot": [], "spread": []}
    async with horde_server(bench.installation) as horde, crowd(bench, horde) as people:
        await people.cycle(bench.plan.window_s / 2)
        for _ in range(bench.plan.rounds):
            for name, key in (("hot", ANONYMOUS_KEY), ("spread", None)):
                async with watched(horde.data_dir) as seen:
                    rounds[name].append(await people.cycle(bench.plan.window_s, key=key))
                locks[name].append(seen)
        busy = people.market.tally.busy
    for name in rounds:
        bench.put_rounds(SCENARIO, name, rounds[name], unit="cycle")
        cycles = sum(each.units for each in rounds[name])
        bench.put(SCENARIO, f"{name}, deadlocks", sum(each.deadlocks for each in locks[name]))
        bench.put(SCENARIO, f"{name}, lock waits over {LONG_WAIT_MS} ms", sum(each.long_waits for each in locks[name]))
        bench.put(SCENARIO, f"{name}, transactions in a cycle", sum(each.commits for each in locks[name]) / cycles)
        bench.put(SCENARIO, f"{name}, rollbacks", sum(each.rollbacks for each in locks[name]))
    bench.put(
        SCENARIO, "hot over spread, rate", median_ratio(rounds["hot"], rounds["spread"], lambda r: r.rate), "ratio"
    )
    bench.put(SCENARIO, "answers 429 or 503", busy)
