"""The front page: what this is and how to use it."""

from __future__ import annotations

import html

from litestar import MediaType, get
from litestar.response import Redirect

from horde.server.api.connection import AnyRequest, Ctx, base_url
from horde.server.api.site import pages
from horde.server.status.heartbeat import heartbeat

DOCUMENTATION = "/api"


@get("/", media_type=MediaType.HTML, include_in_schema=False)
async def front(request: AnyRequest, ctx: Ctx) -> str:
    """The page behind the server's bare address."""
    beat = await heartbeat(ctx)
    values = {"url": html.escape(base_url(request)), "workers": str(beat.workers), "queue": str(beat.queue)}
    return pages.page("front.html", values)


@get(["/api/v1", "/api/v2"], include_in_schema=False)
async def to_documentation() -> Redirect:
    """The bare address of a dialect leads to the documentation."""
    return Redirect(DOCUMENTATION)
