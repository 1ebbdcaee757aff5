"""How the cost of a hand-out grows, as an SVG that is the same for the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.simulation.summary import Summary


def plot(path: Path, by_workers: Sequence[Summary], by_requests: Sequence[Summary]) -> None:
    """Draw cost against workers, against requests, and against the requests that waited in the largest run."""
    # Only drawing needs it, and it is heavy: a simulation without a plot runs without the development tools.
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "horde"
    figure = Figure(figsize=(12, 3.8), layout="constrained")
    workers, requests, backlog = figure.subplots(1, 3)
    for axes, runs, label in (
        (workers, [(run.workers, run) for run in by_workers], "workers (100 requests for each)"),
        (requests, [(run.requests, run) for run in by_requests], f"requests ({by_requests[-1].workers:,} workers)"),
    ):
        sizes = [size for size, _ in runs]
        axes.plot(sizes, [run.cpu_ms for _, run in runs], "o-", label="matching, processor time")
        axes.plot(sizes, [run.wall_ms for _, run in runs], "s--", label="the whole simulation, wall time")
        axes.set_xlabel(label)
        axes.legend()
    largest = by_workers[-1]
    sizes = [size for size, _ in largest.by_backlog]
    backlog.plot(sizes, [ms for _, ms in largest.by_backlog], "o-", label="finding a job for a worker")
    backlog.set_xlabel(f"requests waiting ({largest.workers:,} workers)")
    backlog.legend()
    for axes in (workers, requests, backlog):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylabel("ms per hand-out")
        axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
