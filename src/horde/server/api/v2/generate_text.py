"""Text requests, from both sides. Source: contract/api-v2.md, section 4."""

from __future__ import annotations

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody

from horde.kinds import text
from horde.server.api.auth import Asking, Caller
from horde.server.api.body import StrictJson
from horde.server.api.connection import AnyRequest, Ctx, IdempotencyKey, address_of, base_url, idempotency_key
from horde.server.api.edge.shortcut import HOT
from horde.server.api.v2 import text_translate, translate
from horde.server.api.v2.arguments import ClientAgent, Prefer, RequestId, asked_by_key, authenticated, pop_as_preferred
from horde.server.api.v2.styles_translate import in_style
from horde.server.modes.modes import modes
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import deliver, report_fault
from horde.server.requests.quote import estimated
from horde.server.requests.read import status
from horde.server.requests.submit import submit
from horde.units import whole_kudos_on_the_wire
from horde.wire import faults, v2, v2_text


@post(
    "/async",
    opt=HOT,
    status_code=202,
    dto=StrictJson[v2_text.TextAsync],
    return_dto=None,
    dependencies=asked_by_key,
    summary="Ask",
)
async def text_async(
    request: AnyRequest,
    ctx: Ctx,
    asker: Asking,
    data: JSONBody[v2_text.TextAsync],
    client_agent: ClientAgent = "unknown:0:unknown",
    key: IdempotencyKey = None,
) -> Response[v2.GenerateAccepted | v2.DryRun]:
    """Ask for texts. They are written when a worker that can do it has time; look with generate/text/status."""
    data, style = await in_style(ctx, text.NAME, data)
    webhook = translate.webhook(data, ctx.services.settings, base_url(request))
    draft = text_translate.draft(data, client_agent, address=address_of(request), webhook=webhook)
    if data.dry_run:
        price = await estimated(ctx, asker.user, draft, style=style, shared=asker.shared)
        return Response(v2.DryRun(whole_kudos_on_the_wire(price)), status_code=200)
    once = await idempotency_key(request, asker.user, key)
    accepted = await submit(ctx, asker.user, draft, once, style=style, shared=asker.shared)
    return Response(translate.accepted(accepted, tells_nobody=not (await modes(ctx)).raid), status_code=202)


@get("/status/{request_id:str}", opt=HOT, summary="Texts that are ready")
async def read_text_status(ctx: Ctx, request_id: RequestId) -> v2_text.TextStatusAnswer:
    """How far a request is, with every text that is ready, also before all are."""
    return text_translate.status(await status(ctx, request_id, kind=text.NAME))


@delete("/status/{request_id:str}", status_code=200, summary="Cancel")
async def cancel_text_request(ctx: Ctx, request_id: RequestId) -> v2_text.TextStatusAnswer:
    """Stop a request; answers what there is of it. What is being written may still be delivered, and is charged."""
    return text_translate.status(await cancel(ctx, request_id, kind=text.NAME))


@post(
    "/pop",
    opt=HOT,
    status_code=200,
    dto=StrictJson[v2_text.TextPop],
    return_dto=None,
    dependencies=authenticated,
    summary="Take a job",
)
async def pop_text_job(
    request: AnyRequest, ctx: Ctx, user: Caller, data: JSONBody[v2_text.TextPop], prefer: Prefer = ""
) -> Response[v2_text.TextPopAnswer]:
    """A worker says what it can do and gets jobs of one request, or none. With `Prefer: wait=N` it waits for one."""
    ask = text_translate.ask(data, user, address_of(request))
    answer, headers = await pop_as_preferred(request, ctx, user, ask, prefer)
    return Response(text_translate.popped(answer), headers=headers)


@post(
    "/submit",
    opt=HOT,
    status_code=200,
    dto=StrictJson[v2_text.TextSubmit],
    return_dto=None,
    dependencies=authenticated,
    summary="Deliver",
)
async def submit_text_job(
    request: AnyRequest, ctx: Ctx, user: Caller, data: JSONBody[v2_text.TextSubmit], key: IdempotencyKey = None
) -> v2.SubmitAnswer:
    """A worker hands in the text of a job, or says that it cannot write it."""
    if data.state == faults.FAULTED:
        await report_fault(ctx, user, data.id, kind=text.NAME, reason=faults.reason_in(data.generation))
        return v2.SubmitAnswer(0.0)
    once = await idempotency_key(request, user, key)
    return translate.paid(await deliver(ctx, user, text_translate.delivery(data), once))


router = Router(
    "/generate/text",
    route_handlers=[text_async, read_text_status, cancel_text_request, pop_text_job, submit_text_job],
    tags=["Texts"],
)
