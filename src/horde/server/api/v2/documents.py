"""What the operator has to say for good. Source: contract/api-v2.md, section 8."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, get
from litestar.params import QueryParameter

from horde.server.api.connection import Ctx
from horde.server.context import Context
from horde.server.status.documents import Name, html, markdown
from horde.wire import v2_status

Form = Annotated[
    Literal["html", "markdown"],
    QueryParameter(name="format", required=False, description="In which of its two forms the text is wanted."),
]


@get("/terms", summary="Terms of use")
async def read_terms(ctx: Ctx, form: Form = "html") -> v2_status.DocumentAnswer:
    """Under which terms this horde may be used."""
    return await _document(ctx, "terms", form)


@get("/privacy", summary="Privacy")
async def read_privacy(ctx: Ctx, form: Form = "html") -> v2_status.DocumentAnswer:
    """What is kept of those who use this horde."""
    return await _document(ctx, "privacy", form)


@get("/sponsors", summary="Sponsors")
async def read_sponsors(ctx: Ctx, form: Form = "html") -> v2_status.DocumentAnswer:
    """Who makes this horde possible."""
    return await _document(ctx, "sponsors", form)


async def _document(ctx: Context, name: Name, form: Literal["html", "markdown"]) -> v2_status.DocumentAnswer:
    if form == "markdown":
        return v2_status.DocumentAnswer(markdown=await markdown(ctx, name))
    return v2_status.DocumentAnswer(html=await html(ctx, name))


router = Router("/documents", route_handlers=[read_terms, read_privacy, read_sponsors], tags=["Documents"])
