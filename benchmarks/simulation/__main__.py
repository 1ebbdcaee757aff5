"""`python -m benchmarks.simulation`: simulate a horde. `make simulate` runs it."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from benchmarks.report import with_table
from benchmarks.simulation.horde import LOAD, SEED, Horde, Plan
from benchmarks.simulation.plot import plot
from benchmarks.simulation.summary import Summary, grown, summary, told

HERE = Path(__file__).resolve().parent
REPORT = HERE.parent / "REPORT.md"
PLOT = HERE.parent / "simulation.svg"
FULL = 10_000, 1_000_000
SMALLER = ((100, 10_000), (1_000, 100_000))
"""Fewer workers, with as many requests for each."""
SAID_EVERY = 100_000
SHORTER = ((10_000, 10_000), (10_000, 100_000))

app = App(name="simulation", help="Simulate a horde with the product's own rules.", version_flags=[])


@app.default
def run(
    *,
    workers: Annotated[int | None, Parameter(help="simulate so many, once, and leave the report alone")] = None,
    requests: Annotated[int | None, Parameter(help="so many requests")] = None,
    load: Annotated[float, Parameter(help="share of the fleet's speed that is asked for")] = LOAD,
    seed: Annotated[int, Parameter(help="another seed draws another horde")] = SEED,
) -> int:
    """Simulate 10,000 workers with a million requests, and smaller hordes; print all figures and write the report.

    The exit status is 1 when a request starved or was never served though somebody could.
    """
    if workers or requests:
        runs = [_simulated(Plan(workers=workers or FULL[0], requests=requests or FULL[1], load=load, seed=seed))]
    else:
        smaller, shorter = (
            [_simulated(Plan(workers=size, requests=many, load=load, seed=seed)) for size, many in sizes]
            for sizes in (SMALLER, SHORTER)
        )
        full = _simulated(Plan(workers=FULL[0], requests=FULL[1], load=load, seed=seed))
        plot(PLOT, [*smaller, full], [*shorter, full])
        runs = [*smaller, *shorter, full]
        _write(full, runs)
    return int(any(run.unserved or run.starved for run in runs))


def _simulated(plan: Plan) -> Summary:
    started = time.perf_counter()
    horde = Horde(plan, on_asked=lambda asked: _say(horde, started))
    horde.run()
    result = summary(horde, wall_s=time.perf_counter() - started)
    sys.stdout.write(f"{told(result)}\n\n")
    sys.stdout.flush()
    return result


def _say(horde: Horde, started: float) -> None:
    asked = horde.tally.requests
    if asked % SAID_EVERY == 0:
        passed = f"[{time.perf_counter() - started:5.0f} s] {horde.plan.workers:,} workers:"
        lanes = len(horde.lanes.all())
        sys.stdout.write(f"{passed} {asked:,} requests, {horde.queue.requests:,} of them wait, {lanes:,} lanes\n")
        sys.stdout.flush()


def _write(full: Summary, runs: list[Summary]) -> None:
    machine = f"One of {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}."
    picture = f"![The cost of a hand-out against workers, requests and what waits]({PLOT.name})"
    text = with_table(
        REPORT.read_text(encoding="utf-8"), "simulation", "\n\n".join([machine, told(full), grown(runs), picture])
    )
    REPORT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(app())
