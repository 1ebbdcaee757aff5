"""What is measured. Each scenario is one file with a function that takes the run and puts its figures into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.bench import Bench
from benchmarks.scenarios.backlog import measure_backlog
from benchmarks.scenarios.cycle import measure_cycle
from benchmarks.scenarios.empty import measure_empty_pops
from benchmarks.scenarios.enqueue import measure_enqueue
from benchmarks.scenarios.hot import measure_hot
from benchmarks.scenarios.lender import measure_lender

SCENARIOS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "cycle": measure_cycle,
    "enqueue": measure_enqueue,
    "empty": measure_empty_pops,
    "hot": measure_hot,
    "backlog": measure_backlog,
    "lender": measure_lender,
}
