"""A request with its pictures: as links that expire, or as base64."""

from __future__ import annotations

import msgspec

from horde.server.api.pictures import inline
from horde.server.api.v2 import translate
from horde.server.context import Context
from horde.server.requests.read import Result, Status
from horde.server.storage.objects import job_key
from horde.wire import v2


async def status(ctx: Context, status: Status, base_url: str) -> v2.StatusAnswer:
    """The whole answer; links are fresh at every call."""
    generations = []
    for result in status.results:
        if status.progress.is_inline:
            picture = await inline(ctx, result)
        else:
            picture = ctx.services.signer.link(base_url, "GET", job_key(str(result.id)), now=ctx.now)
        generations.append(_generation(result, picture))
    progress = msgspec.structs.asdict(translate.check(status.progress))
    return v2.StatusAnswer(**progress, shared=False, generations=generations)


def _generation(result: Result, picture: str) -> v2.Generation:
    return v2.Generation(
        worker_id=str(result.worker_id),
        worker_name=result.worker_name,
        model=result.model,
        state="ok",
        img=picture,
        seed=str(result.seed),
        id=str(result.id),
        censored=result.result_state != "ok",
        gen_metadata=msgspec.convert(result.gen_metadata, list[v2.GenMetadata]),
    )
