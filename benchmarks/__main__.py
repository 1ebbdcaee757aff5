"""`python -m benchmarks`: measure a server and write the report. `make bench` runs it."""

from __future__ import annotations

import os
import platform
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import psutil
import uvloop
from cyclopts import App, Parameter

from benchmarks.bench import FULL, QUICK, Bench
from benchmarks.books import Violated
from benchmarks.connections import ConnectionLost
from benchmarks.figures import Figures, read
from benchmarks.folders import folder_of_run
from benchmarks.pictures import pictures, small_picture
from benchmarks.report import write_report
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import Installation, NotStarted

KNOWN = (Violated, ConnectionLost, NotStarted, TimeoutError)
HERE = Path(__file__).resolve().parent
REPORT = HERE / "REPORT.md"
BASELINE = HERE / "baseline.json"

Name = Literal["cycle", "enqueue", "empty", "hot", "backlog", "lender"]

app = App(name="benchmarks", help="Measure a horde from outside.", version_flags=[])


@app.default
def run(
    *,
    only: Annotated[list[Name] | None, Parameter(help="these scenarios, not all", negative="")] = None,
    quick: Annotated[bool, Parameter(help="short and once, to see that it works; no report", negative="")] = False,
    clients: Annotated[int, Parameter(help="requestors, and as many workers")] = FULL.clients,
    server_workers: Annotated[int, Parameter(help="`--workers` of horde serve")] = 1,
    horde: Annotated[Path | None, Parameter(help="the horde command to measure; ours when left away")] = None,
    version: Annotated[str | None, Parameter(help="what the report calls that version")] = None,
    json: Annotated[Path | None, Parameter(help="also keep the figures in this file")] = None,
    report: Annotated[bool, Parameter(help="write the tables of REPORT.md")] = True,
) -> int:
    """Measure, print every figure with its target, and write the tables of the report.

    The exit status tells whether the server kept its promises, not whether it was fast.
    """
    plan = replace(QUICK if quick else FULL, clients=clients)
    for ending in (signal.SIGINT, signal.SIGTERM):  # also where we were started in the background, deaf to Ctrl-C
        signal.signal(ending, signal.default_int_handler)
    try:
        with folder_of_run() as folder:
            installation = Installation(horde or Path(sys.executable).parent / "horde", server_workers, folder)
            bench = Bench(installation, plan, pictures(), small_picture())
            uvloop.run(_measure(bench, only or list(SCENARIOS)))
    except BaseExceptionGroup as errors:
        # Of several that fail together the first says why; the rest follow from it.
        return _complain(errors)
    except KNOWN as error:
        return _complain(error)
    figures = Figures(version or _version(server_workers), _machine(), bench.figures)
    if json:
        figures.save(json)
    if report and not quick:
        write_report(REPORT, read(BASELINE), figures)
        bench.say(f"the tables of {REPORT.name} are written")
    return 0


async def _measure(bench: Bench, names: Sequence[str]) -> None:
    for name in names:
        await SCENARIOS[name](bench)
    bench.say("done")


def _complain(error: BaseException) -> int:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if not isinstance(error, KNOWN):
        raise error
    sys.stderr.write(f"error: {error}\n\nhint: the figures are void; the server broke its promise or ended\n")
    return 1


def _version(server_workers: int) -> str:
    commit = _git("rev-parse", "--short", "HEAD") or "unknown"
    if _git("status", "--porcelain", "src"):
        commit += " with changes"
    return f"{commit}, {server_workers} server process{'es' if server_workers > 1 else ''}"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=HERE.parent, capture_output=True, text=True, check=False).stdout.strip()


def _machine() -> str:
    memory_gib = psutil.virtual_memory().total / 1024**3
    return f"{os.cpu_count()} cores, {memory_gib:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(app())
