"""The state of the horde. Source: contract/api-v2.md, section 8."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, get
from litestar.params import QueryParameter

from horde import __version__
from horde.kinds import KINDS
from horde.server.api.connection import Ctx
from horde.server.status.heartbeat import heartbeat
from horde.server.status.models import models
from horde.wire import v2

ModelType = Annotated[
    Literal["image", "text"], QueryParameter(name="type", required=False, description="Which kind of model.")
]
MinCount = Annotated[
    int | None, QueryParameter(required=False, ge=0, le=2**31, description="Only models with as many threads.")
]
MaxCount = Annotated[
    int | None, QueryParameter(required=False, ge=0, le=2**31, description="Only models with at most as many.")
]
ModelState = Annotated[
    Literal["known", "custom", "all"],
    QueryParameter(required=False, description="Every model counts as known here: no model reference is needed."),
]


@get("/heartbeat", summary="Are you there?")
async def read_heartbeat(ctx: Ctx) -> v2.HeartbeatAnswer:
    """Always answers 200; `message` says whether the server can work."""
    beat = await heartbeat(ctx)
    return v2.HeartbeatAnswer(
        message="OK" if beat.has_database else "DOWN",
        version=__version__,
        queue=beat.queue,
        threads=beat.threads,
        active_count=beat.workers,
        db_connection=beat.has_database,
    )


@get("/models", summary="Models online")
async def list_models(
    ctx: Ctx,
    model_type: ModelType = "image",
    min_count: MinCount = None,
    max_count: MaxCount = None,
    model_state: ModelState = "all",
) -> list[v2.ModelAnswer]:
    """The models that workers online offer, or that somebody waits for."""
    if model_type not in KINDS or model_state == "custom":
        return []
    return [
        v2.ModelAnswer(
            name=model.name,
            count=model.threads,
            performance=model.speed,
            queued=float(model.queued),
            jobs=float(model.jobs),
            eta=model.eta_s,
            type=model_type,
        )
        for model in await models(ctx, model_type)
        if (min_count is None or model.threads >= min_count) and (max_count is None or model.threads <= max_count)
    ]


router = Router("/status", route_handlers=[read_heartbeat, list_models], tags=["Status"])
