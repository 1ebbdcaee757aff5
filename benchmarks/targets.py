"""What is aimed at. Shown beside the figures and never enforced: a figure depends on the machine and on its day."""

from __future__ import annotations

TARGETS: dict[tuple[str, str], str] = {
    ("cycle", "cycle, rate"): "≥ 500",
    ("cycle", "cycle, CPU"): "≤ 1.8",
    ("cycle", "cycle, share of the limit of HTTP by the framework"): "≥ 0.5",
    ("enqueue", "enqueue, rate"): "≥ 3,000",
    ("empty", "empty pop, rate"): "≥ 5,000",
    ("hot", "hot over spread, rate"): "≥ 0.95",
    ("hot", "hot, deadlocks"): "0",
    ("hot", "hot, lock waits over 100 ms"): "0",
    ("backlog", "pop p99 at 100,000 over 100, everything servable"): "≤ 1.5",
    ("backlog", "pop p99 at 100,000 over 100, a tenth servable"): "≤ 1.5",
    ("backlog", "empty pops at 100,000 over 0, rate"): "≥ 0.9",
    ("backlog", "memory of the server at 100,000"): "< 200",
    ("backlog", "check at 100,000, CPU beyond HTTP"): "< 0.3",
    ("backlog", "status at 100,000, CPU beyond HTTP"): "< 0.3",
    ("lender", "gap between two jobs, share of a job"): "< 0.02",
    ("lender", "worker at rest, CPU"): "< 1",
    ("lender", "worker at rest, memory"): "< 120",
}


def target_of(scenario: str, name: str) -> str:
    """The target of a figure, or nothing."""
    return TARGETS.get((scenario, name), "")
