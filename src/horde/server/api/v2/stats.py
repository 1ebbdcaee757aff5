"""What the horde has done. Source: contract/api-v2.md, section 8."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, get
from litestar.params import QueryParameter

from horde.server.api.connection import Ctx
from horde.server.context import Context
from horde.server.workers.history import Period, history
from horde.wire import v2_status

IMAGE, TEXT = "image", "text"
MODELS_MAX = 1000
"""Of so many models each period tells: names are free, so their number has no other bound."""

ModelState = Annotated[
    Literal["known", "custom", "all"],
    QueryParameter(required=False, description="Every model counts as known here: no model reference is needed."),
]


@get("/img/totals", summary="Pictures that were made")
async def read_image_totals(ctx: Ctx) -> v2_status.ImageTotals:
    """How many pictures and pixelsteps were delivered, by period; about a minute old at most."""
    done = await history(ctx)

    def amount(period: Period) -> v2_status.ImageAmount:
        found = done.total(IMAGE, period)
        return v2_status.ImageAmount(found.jobs, found.things)

    return v2_status.ImageTotals(
        minute=amount("minute"), hour=amount("hour"), day=amount("day"), month=amount("month"), total=amount("total")
    )


@get("/text/totals", summary="Texts that were written")
async def read_text_totals(ctx: Ctx) -> v2_status.TextTotals:
    """How many texts and tokens were delivered, by period; about a minute old at most."""
    done = await history(ctx)

    def amount(period: Period) -> v2_status.TextAmount:
        found = done.total(TEXT, period)
        return v2_status.TextAmount(found.jobs, found.things)

    return v2_status.TextTotals(
        minute=amount("minute"), hour=amount("hour"), day=amount("day"), month=amount("month"), total=amount("total")
    )


@get("/img/models", summary="Models that pictures were made with")
async def read_image_models(ctx: Ctx, model_state: ModelState = "known") -> v2_status.ModelTotals:
    """How many pictures were delivered with each model, by period; of each the thousand most used."""
    if model_state == "custom":
        return v2_status.ModelTotals(day={}, month={}, total={})
    return await _models(ctx, IMAGE)


@get("/text/models", summary="Models that texts were written with")
async def read_text_models(ctx: Ctx) -> v2_status.ModelTotals:
    """How many texts were delivered with each model, by period; of each the thousand most used."""
    return await _models(ctx, TEXT)


async def _models(ctx: Context, kind: str) -> v2_status.ModelTotals:
    done = await history(ctx)
    return v2_status.ModelTotals(
        day=done.jobs_by_model(kind, "day", at_most=MODELS_MAX),
        month=done.jobs_by_model(kind, "month", at_most=MODELS_MAX),
        total=done.jobs_by_model(kind, "total", at_most=MODELS_MAX),
    )


router = Router(
    "/stats",
    route_handlers=[read_image_totals, read_text_totals, read_image_models, read_text_models],
    tags=["Status"],
)
