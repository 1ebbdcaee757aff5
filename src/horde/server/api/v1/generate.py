"""What the oldest clients ask for: hold the line until the pictures are there, or come again for them.

Source: contract/api-v1.md, sections 1 and 2.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
from litestar import MediaType, Response, Router, get, post
from litestar.exceptions import ClientException
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import FromPath

from horde.errors import BadInput, MissingPrompt, NothingMade, NoWorkerNow, RequestNotFound, WorkerNotFound
from horde.kinds import image
from horde.kinds.base import Draft
from horde.kinds.seeds import seed_number
from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.accounts.users import User
from horde.server.api import pictures
from horde.server.api.connection import AnyRequest, Ctx, IdempotencyKey, address_of, idempotency_key, watch
from horde.server.api.errors import BadPayload
from horde.server.api.v1.arguments import BARE_TEXTS, NUMBER, TEXT, TEXTS, arguments, bare, taking
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.requests.cancel import cancel
from horde.server.requests.check import as_asked_by, checked
from horde.server.requests.orders import Accepted
from horde.server.requests.read import Progress, Status, progress, status
from horde.server.requests.submit import submit, submitted
from horde.server.requests.wait import until_done
from horde.server.workers.read import can_be_served
from horde.wire import v1

DEFAULT_STEPS, STEPS_MAX = 50, 100
IMAGES_MAX = 20
SYNC_WAIT_S = 20 * 60.0
"""As long as a request lives without activity."""
EXPIRED = "Prompt Request Expired"
REQUIRED = ("prompt", "api_key")


DescribedGenerate = taking(
    {
        "prompt": TEXT,
        "api_key": TEXT,
        "params": Schema(
            type=OpenAPIType.OBJECT,
            properties={"n": NUMBER, "steps": NUMBER, "width": NUMBER, "height": NUMBER, "seed": TEXT},
        ),
        "servers": TEXTS,
    },
    example={"prompt": "A horde of stable robots", "api_key": ANONYMOUS_KEY},
)


@post("/sync", operation_class=DescribedGenerate, status_code=200, media_type=MediaType.JSON, summary="Ask and wait")
async def generate_sync(request: AnyRequest, ctx: Ctx, key: IdempotencyKey = None) -> list[v1.Generation]:
    """Ask for images and get them in the answer, as base64 of a webp."""
    asked = await arguments(request, v1.Generate, required=REQUIRED)
    user = await authenticate(ctx, asked.api_key)
    draft = replace(_draft(asked), address=address_of(request))
    once = await idempotency_key(request, user, key)
    accepted = await _accepted(ctx, user, draft, once)
    found = await _ended(request, ctx, accepted.id)
    if not found.progress.is_done or found.progress.is_faulted:
        if once is None:
            # Nobody holds the id of a request that was asked for in this way, so nobody could fetch it later; but who
            # named a key can come back with it.
            await cancel(ctx, accepted.id, kind=image.NAME)
        raise ClientException(EXPIRED, status_code=500 if found.progress.is_faulted else 503)
    if not found.results:
        raise NothingMade("The request was cancelled before a picture was made.")
    return await _generations(ctx, found)


@post("/async", operation_class=DescribedGenerate, status_code=200, media_type=MediaType.JSON, summary="Ask")
async def generate_async(request: AnyRequest, ctx: Ctx, key: IdempotencyKey = None) -> v1.Asked:
    """Ask for images; look with generate/check, and fetch them with generate/prompt."""
    asked = await arguments(request, v1.Generate, required=REQUIRED)
    user = await authenticate(ctx, asked.api_key)
    draft = replace(_draft(asked), address=address_of(request))
    return v1.Asked((await _accepted(ctx, user, draft, await idempotency_key(request, user, key))).id)


@get("/check/{request_id:str}", media_type=MediaType.JSON, summary="How far is it?")
async def check(ctx: Ctx, request_id: FromPath[str]) -> Response[v1.Check] | Response[bytes]:
    """How far a request is."""
    try:
        found = await progress(ctx, request_id, kind=image.NAME)
    except RequestNotFound:
        return bare("ID not found", 404)
    return Response(_check(found))


@get("/prompt/{request_id:str}", media_type=MediaType.JSON, summary="Pictures that are ready")
async def read_prompt(ctx: Ctx, request_id: FromPath[str]) -> Response[v1.Prompt]:
    """How far a request is, with the pictures that are ready. They can be read again until the request expires."""
    try:
        found = await status(ctx, request_id, kind=image.NAME)
    except RequestNotFound:
        # As v1 has it: everything is there, and nothing in it.
        return Response(v1.Prompt(), status_code=404)
    generations = [
        v1.PromptGeneration(img=made.img, seed=made.seed, server_id=made.server_id, server_name=made.server_name)
        for made in await _generations(ctx, found)
    ]
    return Response(v1.Prompt(**msgspec.structs.asdict(_check(found.progress)), generations=generations))


def _check(found: Progress) -> v1.Check:
    return v1.Check(
        finished=found.finished,
        processing=found.processing,
        waiting=found.waiting,
        done=found.is_done,
        queue_position=found.queue_position,
        wait_time=found.wait_s,
    )


async def _accepted(ctx: Context, user: User, draft: Draft[image.ImageParams], once: Key | None) -> Accepted:
    """The request of this call, or the one that an earlier call with the same key made."""
    # The key comes first: the workers that could do it then may be gone, and the pictures are there all the same.
    if once and (known := await submitted(ctx, once)):
        return known
    try:
        needs = checked(user, as_asked_by(user, draft))
    except WorkerNotFound:
        # Of v1's view a server that is not there is one that cannot do it now.
        raise NoWorkerNow from None
    if not await can_be_served(ctx, needs, owner_id=user.id):
        raise NoWorkerNow
    return await submit(ctx, user, draft, once)


async def _ended(request: AnyRequest, ctx: Context, request_id: str) -> Status:
    """The request when it is done, or as it is when the caller or the server goes or the time is up."""
    async with watch(request) as is_gone:
        try:
            return await until_done(
                ctx,
                request_id,
                lambda at: status(at, request_id, kind=image.NAME),
                lambda found: found.progress.is_done,
                wait_s=SYNC_WAIT_S,
                is_gone=is_gone,
            )
        except RequestNotFound:
            raise NothingMade("The request is forgotten: its pictures are kept for 20 minutes.") from None


def _draft(asked: v1.Generate) -> Draft[image.ImageParams]:
    """Raises BadPayload, MissingPrompt, BadInput in the order of v1's own checks."""
    if not asked.prompt.strip():
        raise MissingPrompt
    params = {"steps": DEFAULT_STEPS, **asked.params}
    if isinstance(n := params.get("n"), int):
        params["n"] = max(1, min(n, IMAGES_MAX))
    if isinstance(seed := params.get("seed"), int):
        params["seed"] = str(seed)
    for side in ("height", "width"):
        if isinstance(pixels := params.get(side, 512), int) and pixels % 64:
            raise BadInput(f"Invalid size: the {side} is {pixels}; it must be a multiple of 64.")
    if isinstance(steps := params["steps"], int) and steps > STEPS_MAX:
        raise BadInput(f"Too many steps: {steps}; at most {STEPS_MAX} are taken.")
    try:
        read = msgspec.convert(params, image.ImageParams)
    except msgspec.ValidationError as error:
        raise BadPayload.of(error, under="params") from error
    return Draft(
        kind=image.NAME,
        prompt=asked.prompt,
        params=read,
        n=read.n,
        is_inline=True,
        workers=tuple(asked.servers),
        seed=seed_number(read.seed) if read.seed else None,
    )


async def _generations(ctx: Context, found: Status) -> list[v1.Generation]:
    return [
        v1.Generation(
            img=await pictures.inline(ctx, result),
            seed=str(result.seed),
            server_id=str(result.worker_id),
            server_name=result.worker_name,
            worker_id=str(result.worker_id),
            worker_name=result.worker_name,
        )
        for result in found.results
    ]


router = Router(
    "/generate",
    route_handlers=[generate_sync, generate_async, check, read_prompt],
    exception_handlers=BARE_TEXTS,
    tags=["API v1"],
)
