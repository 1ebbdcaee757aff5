"""What the operator has to say, as pages."""

from __future__ import annotations

from litestar import MediaType, get

from horde.server.api.connection import Ctx
from horde.server.api.site import pages
from horde.server.context import Context
from horde.server.status.documents import Name, html


@get("/terms", media_type=MediaType.HTML, include_in_schema=False)
async def show_terms(ctx: Ctx) -> str:
    """Under which terms this horde may be used."""
    return await _page(ctx, "terms")


@get("/privacy", media_type=MediaType.HTML, include_in_schema=False)
async def show_privacy(ctx: Ctx) -> str:
    """What is kept of those who use this horde."""
    return await _page(ctx, "privacy")


@get("/sponsors", media_type=MediaType.HTML, include_in_schema=False)
async def show_sponsors(ctx: Ctx) -> str:
    """Who makes this horde possible."""
    return await _page(ctx, "sponsors")


async def _page(ctx: Context, name: Name) -> str:
    return pages.page("document.html", {"text": await html(ctx, name)})
