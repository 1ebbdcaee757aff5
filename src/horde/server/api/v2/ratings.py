"""Ratings of pictures. Source: contract/api-v2.md, section 2.6.

The reference passes them on to another server, for pictures whose requestors share them. Nothing is shared here, so
nothing can be rated; clients are told so by the refusal that they know.
"""

from __future__ import annotations

from litestar import Router, post
from litestar.params import FromPath, JSONBody

from horde.errors import AestheticsNotCompleted, AestheticsNotPublic
from horde.kinds import image
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.requests.read import progress
from horde.wire import v2_status


@post(
    "/rate/{request_id:str}",
    status_code=200,
    dto=StrictJson[v2_status.Ratings],
    return_dto=None,
    summary="Rate pictures",
)
async def rate(ctx: Ctx, request_id: FromPath[str], data: JSONBody[v2_status.Ratings]) -> v2_status.Rated:
    """Only shared pictures can be rated, and this server shares none: always refused, with the reason."""
    if not (await progress(ctx, request_id, kind=image.NAME)).is_done:
        raise AestheticsNotCompleted
    raise AestheticsNotPublic


router = Router("/generate", route_handlers=[rate], tags=["Images"])
