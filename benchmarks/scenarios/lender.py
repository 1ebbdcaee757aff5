"""Our own worker: how long the machine waits between two jobs, and what the worker takes of it at rest."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import psutil

from benchmarks.bench import Bench
from benchmarks.distance import further_away
from benchmarks.servers import Installation, NotStarted, horde_server
from horde.client import AsyncHorde

SCENARIO = "lender"
ONE_WAY_S = 0.025
"""The server is 50 ms away, there and back."""
JOB_S = 0.2
REQUESTORS = 8
"""Accounts among which the requests are shared: each may have thirty that wait."""
WARM_UP = 5
"""Jobs after the start that are not counted: the worker does not know yet how long one takes."""
JOBS = {True: 100, False: 25}
"""By whether the run is a whole one."""
REST_S = 10.0
MIB = 1024 * 1024
POLL_S = 0.1
START_S_MAX = 30.0


async def measure_lender(bench: Bench) -> None:
    """Figures of `horde worker` with a back end that takes 200 ms for every picture."""
    bench.say(f"our worker: jobs of {JOB_S * 1000:.0f} ms, the server {ONE_WAY_S * 2000:.0f} ms away")
    async with horde_server(bench.installation) as server, further_away(server.port, ONE_WAY_S) as port:
        log = server.data_dir.parent / "jobs.log"
        async with (
            AsyncHorde(f"http://127.0.0.1:{server.port}") as horde,
            _worker(bench.installation, port, log) as process,
        ):
            gaps, jobs = await _busy(horde, log, WARM_UP + JOBS[bench.plan.rounds > 1])
            busy_s = _cpu_s(process)
            rest_s, mib = await _at_rest(process)
    bench.put(SCENARIO, "gap between two jobs, share of a job", sum(gaps) / sum(jobs), "ratio")
    bench.put(SCENARIO, "gap between two jobs, median", statistics.median(gaps) * 1000, "ms")
    bench.put(SCENARIO, "gap between two jobs, longest", max(gaps) * 1000, "ms")
    bench.put(SCENARIO, "CPU of the worker, start included", busy_s * 1000 / (len(jobs) + WARM_UP), "ms/job")
    bench.put(SCENARIO, "worker at rest, CPU", rest_s / REST_S * 100, "%")
    bench.put(SCENARIO, "worker at rest, memory", mib, "MiB")


@asynccontextmanager
async def _worker(installation: Installation, port: int, log: Path) -> AsyncIterator[psutil.Process]:
    folder = log.parent / "worker"
    folder.mkdir()
    settings = folder / "bridgeData.yaml"
    backend = "benchmarks.steady:Steady"
    settings.write_text(
        f"backend: {backend}\noptions:\n  {backend}:\n    log: {log}\n    seconds: {JOB_S}\ndata: {folder / 'data'}\n"
    )
    words = ["worker", "--plain", "--config", str(settings), "--horde", f"http://127.0.0.1:{port}", "--name", "lender"]
    # As a module: the folder of benchmarks has to be found by it.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "horde.cli.main", *words, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def _busy(horde: AsyncHorde, log: Path, jobs: int) -> tuple[Sequence[float], Sequence[float]]:
    for number in range(REQUESTORS):
        key = (await horde.register(f"requestor {number}")).api_key
        async with AsyncHorde(horde.url, key) as requestor:
            for _ in range(jobs // REQUESTORS + 2):
                await requestor.generate("a horde of stable robots", width=512, height=512, steps=20)
    started = time.monotonic()
    while len(lines := _lines(log)) < jobs:
        if time.monotonic() - started > START_S_MAX + 3 * JOB_S * jobs:
            raise NotStarted(f"the worker made {len(lines)} of {jobs} jobs")
        await asyncio.sleep(POLL_S)
    times = [(float(begun), float(ended)) for begun, ended in map(str.split, lines)][WARM_UP:jobs]
    gaps = [later - earlier for (_, earlier), (later, _) in pairwise(times)]
    return gaps, [ended - begun for begun, ended in times]


def _lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


async def _at_rest(process: psutil.Process) -> tuple[float, float]:
    # What still waits is made by then, and delivered.
    await asyncio.sleep(REQUESTORS * 3 * JOB_S)
    before_s = _cpu_s(process)
    await asyncio.sleep(REST_S)
    return _cpu_s(process) - before_s, process.memory_full_info().pss / MIB


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
