"""The figures of one simulation, and the words and tables in which they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.simulation.demand import HUNDRED, SINGLES, STANDINGS
from benchmarks.simulation.horde import Horde
from benchmarks.simulation.tally import Cost

PERCENTS = (50, 90, 99, 100)
SAMPLED = "(sampled)"
CALLS_MIN = 30
"""A backlog at which a worker took work less often tells nothing."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One simulation that is over."""

    workers: int
    requests: int
    simulated_s: float
    utilisation: float
    """Of the workers' time until the last request came."""
    waiting_most: int
    lanes: int
    unservable: int
    handed_out: int
    unserved: int
    """Requests that somebody could have served and nobody did."""
    starved: int
    """Requests passed by one that ageing should have put behind them."""
    waits: tuple[tuple[str, int, tuple[float, ...]], ...]
    """(standing, requests, seconds at each of PERCENTS)"""
    probes: tuple[tuple[str, float, float], ...]
    """(who asked, mean wait, longest wait)"""
    costs: tuple[tuple[str, Cost], ...]
    by_backlog: tuple[tuple[int, float], ...]
    """(requests waiting, milliseconds of finding a job)"""
    wall_s: float

    @property
    def cpu_ms(self) -> float:
        """Processor time of the product for one job handed out, without what was only sampled."""
        return sum(cost.ms for name, cost in self.costs if not name.endswith(SAMPLED)) / max(self.handed_out, 1)

    @property
    def wall_ms(self) -> float:
        """Wall time of the whole simulation for one job handed out."""
        return self.wall_s * 1000 / max(self.handed_out, 1)


def summary(horde: Horde, *, wall_s: float) -> Summary:
    """Sum up a simulation that was run."""
    plan, tally = horde.plan, horde.tally
    return Summary(
        workers=plan.workers,
        requests=tally.requests,
        simulated_s=tally.ended_s,
        utilisation=(tally.busy_s - tally.busy_after_s) / (plan.workers * tally.arriving_s),
        waiting_most=tally.requests_waiting_most,
        lanes=len(horde.lanes.all()),
        unservable=tally.unservable,
        handed_out=tally.handed_out,
        unserved=horde.queue.requests,
        starved=horde.queue.passed_beyond_ageing,
        waits=tuple(
            (standing.name, len(waits), _percentiles(waits))
            for standing, waits in zip(STANDINGS, tally.waits, strict=True)
        ),
        probes=tuple(
            (who, sum(waits) / max(len(waits), 1), max(waits, default=0.0))
            for who in (SINGLES, HUNDRED)
            if (waits := tally.probes[who])
        ),
        costs=tuple(tally.costs.items()),
        by_backlog=tuple(
            (2**bits * 3 // 4, cost.ms_each)
            for bits, cost in sorted(tally.by_backlog.items())
            if cost.measured >= CALLS_MIN
        ),
        wall_s=wall_s,
    )


def told(run: Summary) -> str:
    """All figures as Markdown, which a terminal shows as well."""
    rows = [
        ("utilisation of the workers", f"{run.utilisation:.1%}"),
        ("requests, and jobs handed out", f"{run.requests:,}, {run.handed_out:,}"),
        ("requests that nobody in the fleet can do", f"{run.unservable:,}"),
        ("**requests not served though somebody could**", f"**{run.unserved:,}**"),
        ("**starved: passed by a request that ageing puts behind them**", f"**{run.starved:,}**"),
        ("lanes", f"{run.lanes:,}"),
        ("requests waiting at the most", f"{run.waiting_most:,}"),
        ("simulated time", f"{run.simulated_s / 60:,.0f} min"),
        ("matching, CPU for 1,000 hand-outs", f"{run.cpu_ms:.3f} s"),
        ("the whole simulation, wall", f"{run.wall_s:,.0f} s"),
    ]
    waits = [
        f"| {name} | {many:,} | " + " | ".join(f"{wait:,.1f}" for wait in at) + " |" for name, many, at in run.waits
    ]
    probes = [f"| {who} | {mean:,.1f} | {longest:,.1f} |" for who, mean, longest in run.probes]
    costs = [
        f"| {name} | {cost.calls:,} | {cost.ms_each:.4f} |"
        for name, cost in sorted(run.costs, key=lambda named: named[0])
    ]
    return "\n".join([
        f"{run.workers:,} workers:", "", "| | |", "|---|---:|", *(f"| {name} | {value} |" for name, value in rows), "",
        "| wait for the first job, s | requests | " + " | ".join(f"p{at}" if at < 100 else "max" for at in PERCENTS)
        + " |", "|---|---:|" + "---:|" * len(PERCENTS), *waits, "",
        "| equal kudos, in one tick of the burst | mean wait, s | longest |", "|---|---:|---:|", *probes, "",
        "| what the product did | calls | CPU, ms each |", "|---|---:|---:|", *costs,
    ])  # fmt: skip


def grown(runs: Sequence[Summary]) -> str:
    """How the cost grows, as a table."""
    rows = [
        f"| {run.workers:,} | {run.requests:,} | {run.lanes:,} | {run.waiting_most:,} | {run.cpu_ms:.3f} |"
        f" {run.wall_ms:.3f} |"
        for run in runs
    ]
    return "\n".join([
        "| workers | requests | lanes | waiting at the most | matching, CPU ms per hand-out | wall ms per hand-out |",
        "|---:|---:|---:|---:|---:|---:|", *rows,
    ])  # fmt: skip


def _percentiles(waits: Sequence[float]) -> tuple[float, ...]:
    if not waits:
        return (0.0,) * len(PERCENTS)
    ordered = sorted(waits)
    return tuple(ordered[min(len(ordered) * at // 100, len(ordered) - 1)] for at in PERCENTS)
