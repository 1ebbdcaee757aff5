"""The models that workers online offer, with what waits for each."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from horde.server.context import Context
from horde.server.matching.lanes import Lanes
from horde.server.requests.survey import survey
from horde.server.workers.done import done_lately
from horde.server.workers.history import NOT_TOLD
from horde.server.workers.online import online

ETA_UNKNOWN_S = 10_000
"""What the reference answers where nothing can be told (contract/lifecycle.md, section 15)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStatus:
    """One model."""

    name: str
    threads: int
    speed: float
    """Mean things per second of the jobs done with it in the last hour; 0 where none was."""
    queued: int
    """Things that wait for it."""
    jobs: int
    eta_s: int


async def models(ctx: Context, kind: str) -> list[ModelStatus]:
    """Every model of a kind that is offered or waited for, by name."""
    demand, done = await _demand(ctx, kind), await done_lately(ctx)
    threads: Counter[str] = Counter()
    for worker in (await online(ctx)).workers(kind):
        if worker.is_serving_all:
            threads.update(dict.fromkeys(worker.models, worker.threads))
    found = []
    for name in sorted({*threads, *demand}):
        if name.startswith(NOT_TOLD):
            continue
        waiting, speed = demand.get(name, _Demand()), done.speed(kind, name)
        eta_s = _eta_s(waiting.things, threads[name], speed)
        found.append(
            ModelStatus(
                name=name, threads=threads[name], speed=speed, queued=waiting.things, jobs=waiting.jobs, eta_s=eta_s
            )
        )
    return found


def _eta_s(things: int, threads: int, speed: float) -> int:
    if not threads:
        return ETA_UNKNOWN_S
    if not things:
        return 0  # also where nothing was done lately: nothing stands in the way
    return round(things / (threads * speed)) if speed else ETA_UNKNOWN_S


@dataclass(slots=True)
class _Demand:
    jobs: int = 0
    things: int = 0


async def _demand(ctx: Context, kind: str) -> dict[str, _Demand]:
    """What waits for each model that is named by a request; one that names several counts under each."""
    found: defaultdict[str, _Demand] = defaultdict(_Demand)
    lanes = ctx.remembered(Lanes)
    for count in (await survey(ctx)).counts(kind):
        lane = lanes.get(count.lane_id)
        for model in lane.needs.models if lane else ():
            found[model].jobs += count.jobs
            found[model].things += count.things
    return found
