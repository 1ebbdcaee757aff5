"""What the dialects of others have no words for about workers."""

from __future__ import annotations

from litestar import Router, get
from litestar.params import FromPath

from horde.server.api.connection import Ctx
from horde.server.workers.read import models_of, worker
from horde.wire import native


@get("/{worker_id:str}/models", summary="A worker's models")
async def list_models(ctx: Ctx, worker_id: FromPath[str]) -> list[native.WorkerModel]:
    """How much a worker did with each model, and how fast; the most used first."""
    return [
        native.WorkerModel(
            model=record.model, jobs=record.jobs, things_per_second=record.speed, is_offered=record.is_offered
        )
        for record in await models_of(ctx, await worker(ctx, worker_id))
    ]


router = Router("/api/workers", route_handlers=[list_models], tags=["Workers"])
