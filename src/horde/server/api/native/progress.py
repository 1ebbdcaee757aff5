"""How far a request's jobs are while they are made, with previews and the text so far."""

from __future__ import annotations

import pybase64
from litestar import Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from horde.errors import BadInput
from horde.server.api.auth import Caller, provide_user
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.requests.progress import JobProgress, Told, progress_of, tell_progress
from horde.wire import native

WEBP = (b"RIFF", b"WEBP")
"""How a webp begins, and what stands in its bytes 8 to 11."""

authenticated = {"user": Provide(provide_user)}


@post(
    "/jobs/{job_id:str}/progress",
    status_code=200,
    dto=StrictJson[native.ToldProgress],
    return_dto=None,
    dependencies=authenticated,
    summary="Tell how far a job is",
)
async def tell(
    ctx: Ctx, user: Caller, job_id: FromPath[str], data: JSONBody[native.ToldProgress]
) -> native.ProgressHeard:
    """For workers, with the key that the job was taken with; as often as once a second."""
    told = Told(share=data.share, text=data.text, preview=None if data.preview is None else _webp(data.preview))
    return native.ProgressHeard(await tell_progress(ctx, user, job_id, told))


@get("/requests/{request_id:str}/progress", summary="How far my request's jobs are")
async def look(ctx: Ctx, request_id: FromPath[str]) -> list[native.JobProgress]:
    """The jobs of a request of any kind that are worked on now; none while it waits and when it is done."""
    return [_seen(job) for job in await progress_of(ctx, request_id)]


def _webp(text: str) -> bytes:
    try:
        content = pybase64.b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error, and its parent for letters beyond ASCII
        raise BadInput("The preview is no base64.", hint=str(error)) from error
    if (content[:4], content[8:12]) != WEBP:
        raise BadInput("The preview is no webp.", hint="leave it out, or send a small webp in base64.")
    return content


def _seen(job: JobProgress) -> native.JobProgress:
    return native.JobProgress(
        id=str(job.id),
        worker_name=job.worker_name,
        since=job.leased_at.isoformat(),
        share=job.share,
        text=job.text,
        preview=None if job.preview is None else pybase64.b64encode_as_string(job.preview),
    )


router = Router("/api", route_handlers=[tell, look], tags=["Progress"])
"""Our own routes, which the public AI Horde does not have."""
