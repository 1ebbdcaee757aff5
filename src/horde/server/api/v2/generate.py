"""Image requests, from both sides. Source: contract/api-v2.md, sections 2 and 3."""

from __future__ import annotations

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody

from horde.errors import BannedClientAgent
from horde.kinds import image
from horde.server.api.auth import Asking, Caller
from horde.server.api.body import StrictJson
from horde.server.api.connection import (
    AnyRequest,
    Ctx,
    IdempotencyKey,
    address_of,
    base_url,
    idempotency_key,
)
from horde.server.api.edge.shortcut import HOT
from horde.server.api.v2 import pictures, sources, translate
from horde.server.api.v2.arguments import ClientAgent, Prefer, RequestId, asked_by_key, authenticated, pop_as_preferred
from horde.server.api.v2.blocked import UNKNOWN_AGENT, refuse_unknown_blocked
from horde.server.api.v2.styles_translate import in_style
from horde.server.modes.modes import modes
from horde.server.requests import deliver as delivering
from horde.server.requests.cancel import cancel
from horde.server.requests.lease import Popped
from horde.server.requests.quote import estimated
from horde.server.requests.read import progress, status
from horde.server.requests.submit import submit
from horde.units import whole_kudos_on_the_wire
from horde.wire import faults, v2

EXAMPLE_AGENT = "My-Project:v0.0.1:My-Contact"
"""What those send who copied the documentation's example and did not read on."""


@post(
    "/async",
    opt=HOT,
    status_code=202,
    dto=StrictJson[v2.GenerateAsync],
    return_dto=None,
    dependencies=asked_by_key,
    summary="Ask",
)
async def generate_async(
    request: AnyRequest,
    ctx: Ctx,
    asker: Asking,
    data: JSONBody[v2.GenerateAsync],
    client_agent: ClientAgent = UNKNOWN_AGENT,
    key: IdempotencyKey = None,
) -> Response[v2.GenerateAccepted | v2.DryRun]:
    """Ask for images. They are made when a worker that can do it has time; look with generate/check."""
    if client_agent == EXAMPLE_AGENT:
        raise BannedClientAgent
    data, style = await in_style(ctx, image.NAME, data)
    webhook = translate.webhook(data, ctx.services.settings, base_url(request))
    draft = translate.draft(data, client_agent, address=address_of(request), webhook=webhook)
    if data.dry_run:
        price = await estimated(ctx, asker.user, draft, style=style, shared=asker.shared)
        return Response(v2.DryRun(whole_kudos_on_the_wire(price)), status_code=200)
    once = await idempotency_key(request, asker.user, key)
    accepted = await submit(ctx, asker.user, draft, once, sources.sent(data), style=style, shared=asker.shared)
    answer = translate.accepted(accepted, tells_nobody=not (await modes(ctx)).raid)
    if answer.message:
        answer.warnings = [v2.Warned("NoAvailableWorker", answer.message)]
    return Response(answer, status_code=202)


@get("/check/{request_id:str}", opt=HOT, summary="How far is it?")
async def check(
    request: AnyRequest, ctx: Ctx, request_id: RequestId, client_agent: ClientAgent = UNKNOWN_AGENT
) -> v2.CheckAnswer:
    """How far a request is; cheap, ask as often as once a second."""
    await refuse_unknown_blocked(ctx, client_agent, address_of(request))
    return translate.check(await progress(ctx, request_id, kind=image.NAME))


@get("/status/{request_id:str}", opt=HOT, summary="Pictures that are ready")
async def read_status(request: AnyRequest, ctx: Ctx, request_id: RequestId) -> v2.StatusAnswer:
    """How far a request is, with every picture that is ready, also before all are."""
    return await pictures.status(ctx, await status(ctx, request_id, kind=image.NAME), base_url(request))


@delete("/status/{request_id:str}", status_code=200, summary="Cancel")
async def cancel_request(request: AnyRequest, ctx: Ctx, request_id: RequestId) -> v2.StatusAnswer:
    """Stop a request; answers what there is of it. What is being made may still be delivered, and is charged."""
    return await pictures.status(ctx, await cancel(ctx, request_id, kind=image.NAME), base_url(request))


@post(
    "/pop",
    opt=HOT,
    status_code=200,
    dto=StrictJson[v2.Pop],
    return_dto=None,
    dependencies=authenticated,
    summary="Take a job",
)
async def pop_job(
    request: AnyRequest, ctx: Ctx, user: Caller, data: JSONBody[v2.Pop], prefer: Prefer = ""
) -> Response[v2.PopAnswer]:
    """A worker says what it can do and gets jobs of one request, or none. With `Prefer: wait=N` it waits for one."""
    ask = translate.ask(data, address_of(request))
    answer, headers = await pop_as_preferred(request, ctx, user, ask, prefer)
    given = translate.popped(ctx, answer, base_url(request))
    if isinstance(answer, Popped) and answer.sources:
        await sources.give(ctx, given, answer, base_url(request), data.bridge_agent)
    return Response(given, headers=headers)


@post(
    "/submit",
    opt=HOT,
    status_code=200,
    dto=StrictJson[v2.Submit],
    return_dto=None,
    dependencies=authenticated,
    summary="Deliver",
)
async def submit_job(
    request: AnyRequest, ctx: Ctx, user: Caller, data: JSONBody[v2.Submit], key: IdempotencyKey = None
) -> v2.SubmitAnswer:
    """A worker hands in the picture of a job, or says that it cannot make it."""
    if data.state == faults.FAULTED:
        await delivering.report_fault(ctx, user, data.id, kind=image.NAME, reason=faults.reason_in(data.generation))
        return v2.SubmitAnswer(0.0)
    once = await idempotency_key(request, user, key)
    return translate.paid(await delivering.deliver(ctx, user, translate.delivery(data), once))


router = Router(
    "/generate",
    route_handlers=[generate_async, check, read_status, cancel_request, pop_job, submit_job],
    tags=["Images"],
)
