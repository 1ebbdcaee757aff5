"""The state of the horde. Source: contract/api-v2.md, section 8."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, get
from litestar.params import PathParameter, QueryParameter

from horde import __version__
from horde.kinds import KINDS
from horde.server.api.connection import Ctx
from horde.server.status.heartbeat import heartbeat
from horde.server.status.models import ModelStatus, models
from horde.server.status.performance import performance
from horde.units import PIXELSTEPS_PER_MPS
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

ModelPath = Annotated[str, PathParameter(description="The model's name; it may hold slashes.")]


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
        _answer(model, model_type)
        for model in await models(ctx, model_type)
        if (min_count is None or model.threads >= min_count) and (max_count is None or model.threads <= max_count)
    ]


@get("/models/{name:path}", summary="One model")
async def read_model(ctx: Ctx, name: ModelPath) -> list[v2.ModelAnswer]:
    """The model of that name, of whichever kind; an empty list where nobody offers it or waits for it."""
    wanted = name.removeprefix("/")
    with_models = [kind.name for kind in KINDS.values() if kind.has_models]
    found = [(model, kind) for kind in with_models for model in await models(ctx, kind) if model.name == wanted]
    return [_answer(model, kind) for model, kind in found[:1]]


def _answer(model: ModelStatus, kind: str) -> v2.ModelAnswer:
    return v2.ModelAnswer(
        name=model.name,
        count=model.threads,
        performance=model.speed,
        queued=float(model.queued),
        jobs=float(model.jobs),
        eta=model.eta_s,
        type=kind,
    )


@get("/performance", summary="The horde in numbers")
async def read_performance(ctx: Ctx) -> v2.PerformanceAnswer:
    """What waits, who serves, and what was done in the past minute."""
    image, text, alchemy = [await performance(ctx, kind) for kind in ("image", "text", "alchemy")]
    return v2.PerformanceAnswer(
        queued_requests=image.jobs_waiting,
        queued_text_requests=text.jobs_waiting,
        worker_count=image.workers,
        text_worker_count=text.workers,
        thread_count=image.threads,
        text_thread_count=text.threads,
        queued_megapixelsteps=_mps(image.things_waiting),
        past_minute_megapixelsteps=_mps(image.things_in_past_minute),
        queued_forms=float(alchemy.jobs_waiting),
        interrogator_count=alchemy.workers,
        interrogator_thread_count=alchemy.threads,
        queued_tokens=float(text.things_waiting),
        past_minute_tokens=float(text.things_in_past_minute),
    )


def _mps(pixelsteps: int) -> float:
    return round(pixelsteps / PIXELSTEPS_PER_MPS, 2)


router = Router(
    "/status",
    route_handlers=[read_heartbeat, list_models, read_model, read_performance],
    tags=["Status"],
)
