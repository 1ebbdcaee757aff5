"""What the dialects of others have no words for about workers."""

from __future__ import annotations

from litestar import Response, Router, get
from litestar.di import Provide
from litestar.params import FromPath

from horde.server.api.auth import Caller, provide_user
from horde.server.api.connection import Ctx
from horde.server.workers.faults import faults_of
from horde.server.workers.read import models_of, worker
from horde.wire import native

PRIVATE = {"Cache-Control": "private, no-store", "Vary": "apikey"}


@get("/{worker_id:str}/models", summary="A worker's models")
async def list_models(ctx: Ctx, worker_id: FromPath[str]) -> list[native.WorkerModel]:
    """How much a worker did with each model, and how fast; the most used first."""
    return [
        native.WorkerModel(
            model=record.model, jobs=record.jobs, things_per_second=record.speed, is_offered=record.is_offered
        )
        for record in await models_of(ctx, await worker(ctx, worker_id))
    ]


@get("/{worker_id:str}/faults", dependencies={"user": Provide(provide_user)}, summary="A worker's faults")
async def list_faults(ctx: Ctx, user: Caller, worker_id: FromPath[str]) -> Response[list[native.WorkerFault]]:
    """Why a worker gave jobs back lately, as it said itself, the newest first; for its owner and moderators."""
    faults = [
        native.WorkerFault(job_id=str(fault.job_id), model=fault.model, reason=fault.reason, ended_at=fault.ended_at)
        for fault in await faults_of(ctx, user, worker_id)
    ]
    return Response(faults, headers=PRIVATE)


router = Router("/api/workers", route_handlers=[list_models, list_faults], tags=["Workers"])
