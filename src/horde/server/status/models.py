"""The models that workers online offer, with what waits for each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from horde.server.context import Context
from horde.server.requests.read import waiting_by_model
from horde.server.workers.roster import Worker, online_workers

ETA_UNKNOWN_S = 10_000
"""What the reference answers for a model that nobody serves (contract/lifecycle.md, section 15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One model."""

    name: str
    threads: int
    speed: float
    """Mean things per second of the workers that offer it."""
    queued: int
    """Things that wait for it."""
    jobs: int
    eta_s: int


async def models(ctx: Context, kind: str) -> list[ModelStatus]:
    """Every model of a kind that is offered or waited for, by name."""
    async with ctx.database.transaction() as tx:
        workers = await online_workers(tx, now=ctx.now)
        demand = {row.model: row for row in await waiting_by_model(tx, kind)}
    offering: defaultdict[str, list[Worker]] = defaultdict(list)
    for worker in workers:
        if worker.kind == kind and not worker.is_in_maintenance:
            for name in worker.models:
                offering[name].append(worker)
    found = []
    for name in sorted({*offering, *demand}):
        serving = offering[name]
        threads = sum(worker.threads for worker in serving)
        speed = sum(worker.speed for worker in serving) / len(serving) if serving else 0.0
        queued = demand[name].things if name in demand else 0
        eta_s = round(queued / (threads * speed)) if threads and speed else ETA_UNKNOWN_S
        jobs = demand[name].jobs if name in demand else 0
        found.append(ModelStatus(name=name, threads=threads, speed=speed, queued=queued, jobs=jobs, eta_s=eta_s))
    return found
