"""Pictures inside an answer, for the dialects that carry them there."""

from __future__ import annotations

import base64

from horde.errors import ObjectNotFound
from horde.server.context import Context
from horde.server.requests.read import Result
from horde.server.storage.objects import job_key

GONE = "N/A"
"""What stands in place of a picture that is not there any more (contract/lifecycle.md, section 10)."""


async def inline(ctx: Context, result: Result) -> str:
    """The picture in base64; `N/A` when it is gone."""
    try:
        return base64.b64encode(await ctx.services.objects.get(job_key(str(result.id)))).decode()
    except ObjectNotFound:
        return GONE
