"""News of the horde. Source: contract/api-v2.md, section 8."""

from __future__ import annotations

from litestar import Router, get

from horde.server.api.connection import Ctx
from horde.server.status.news import news
from horde.wire import v2_status


@get("/news", summary="News")
async def read_news(ctx: Ctx) -> list[v2_status.NewsAnswer]:
    """What the operator of this horde has to tell, the newest first."""
    return [
        v2_status.NewsAnswer(
            date_published=piece.date_published.isoformat(),
            newspiece=piece.newspiece,
            importance=piece.importance,
            tags=piece.tags,
            title=piece.title,
            more_info_urls=piece.more_info_urls,
        )
        for piece in await news(ctx)
    ]


router = Router("/status", route_handlers=[read_news], tags=["Status"])
