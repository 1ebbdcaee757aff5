"""Pictures inside an answer, for the dialects that carry them there."""

from __future__ import annotations

from horde.server.context import Context
from horde.server.requests.read import Result
from horde.server.storage.objects import job_key
from horde.server.storage.pictures import in_base64


async def inline(ctx: Context, result: Result) -> str:
    """The picture in base64; `N/A` when it is gone."""
    return await in_base64(ctx.services.objects, job_key(str(result.id)))
