"""Alchemy requests, from both sides. Source: contract/api-v2.md, section 5."""

from __future__ import annotations

from litestar import Response, Router, delete, get, post
from litestar.params import JSONBody

from horde.errors import AbortedGen, DuplicateGen
from horde.kinds import alchemy
from horde.server.api.auth import Caller
from horde.server.api.body import StrictJson
from horde.server.api.connection import AnyRequest, Ctx, IdempotencyKey, address_of, base_url, idempotency_key
from horde.server.api.edge.shortcut import HOT
from horde.server.api.v2 import alchemy_translate, translate
from horde.server.api.v2.arguments import ClientAgent, Prefer, RequestId, authenticated, pop_several_as_preferred
from horde.server.modes.modes import modes
from horde.server.requests.deliver import deliver, report_fault
from horde.server.requests.forms import submit_forms
from horde.server.requests.groups import cancel_group, group_status
from horde.wire import v2, v2_alchemy
from horde.wire.faults import FAULTED


@post(
    "/async",
    opt=HOT,
    status_code=202,
    dto=StrictJson[v2_alchemy.InterrogateAsync],
    return_dto=None,
    dependencies=authenticated,
    summary="Ask",
)
async def interrogate_async(
    request: AnyRequest,
    ctx: Ctx,
    user: Caller,
    data: JSONBody[v2_alchemy.InterrogateAsync],
    client_agent: ClientAgent = "unknown:0:unknown",
    key: IdempotencyKey = None,
) -> v2_alchemy.InterrogateAccepted:
    """Ask for captions, tags and post-processing of a picture. Each form comes by itself; see interrogate/status.

    A form costs 1 kudos beside what its worker earns: 1, of an interrogation 3, of post-processing 3 for each tile of
    512x512; with `slow_workers: false` another one. There may be ten times as many forms as images of yours, those
    counted that are being made.
    """
    webhook = translate.webhook(data, ctx.services.settings, base_url(request))
    forms = alchemy_translate.forms(data, client_agent, webhook=webhook)
    accepted = await submit_forms(ctx, user, forms, await idempotency_key(request, user, key))
    return alchemy_translate.accepted(accepted, tells_nobody=not (await modes(ctx)).raid)


@get("/status/{request_id:str}", opt=HOT, summary="Forms that are done")
async def read_interrogation(request: AnyRequest, ctx: Ctx, request_id: RequestId) -> v2_alchemy.InterrogateStatus:
    """How far a request is, with every form that is done, also before all are."""
    found = await group_status(ctx, request_id, kind=alchemy.NAME)
    return alchemy_translate.status(ctx, found, base_url(request))


@delete("/status/{request_id:str}", status_code=200, summary="Cancel")
async def cancel_interrogation(request: AnyRequest, ctx: Ctx, request_id: RequestId) -> v2_alchemy.InterrogateStatus:
    """Stop a request; answers what there is of it then. Forms that are being made are given up, and charged."""
    found = await cancel_group(ctx, request_id, kind=alchemy.NAME)
    return alchemy_translate.status(ctx, found, base_url(request))


@post(
    "/pop",
    opt=HOT,
    status_code=200,
    dto=StrictJson[v2_alchemy.InterrogatePop],
    return_dto=None,
    dependencies=authenticated,
    summary="Take forms",
)
async def pop_forms(
    request: AnyRequest, ctx: Ctx, user: Caller, data: JSONBody[v2_alchemy.InterrogatePop], prefer: Prefer = ""
) -> Response[v2_alchemy.InterrogatePopAnswer]:
    """A worker says which forms it can do and gets some, or none. With `Prefer: wait=N` it waits for one."""
    ask = alchemy_translate.ask(data, address_of(request))
    answer, headers = await pop_several_as_preferred(request, ctx, user, ask, prefer)
    return Response(alchemy_translate.popped(ctx, answer, base_url(request)), headers=headers)


@post(
    "/submit",
    opt=HOT,
    status_code=200,
    dto=StrictJson[v2_alchemy.InterrogateSubmit],
    return_dto=None,
    dependencies=authenticated,
    summary="Deliver",
)
async def submit_form(
    request: AnyRequest,
    ctx: Ctx,
    user: Caller,
    data: JSONBody[v2_alchemy.InterrogateSubmit],
    key: IdempotencyKey = None,
) -> v2.SubmitAnswer:
    """A worker hands in a form, or says that it cannot do it (`state: faulted`)."""
    try:
        if data.state == FAULTED:
            await report_fault(
                ctx, user, data.id, kind=alchemy.NAME, is_once=True, reason=alchemy_translate.fault_reason(data)
            )
            return v2.SubmitAnswer(0.0)
        once = await idempotency_key(request, user, key)
        return translate.paid(await deliver(ctx, user, alchemy_translate.delivery(data), once))
    except AbortedGen as refusal:
        # Forms have one answer for all that comes too late (contract/api-v2.md, section 5.4).
        raise DuplicateGen(f"The form {data.id[:80]!r} was already submitted, given back or cancelled.") from refusal


router = Router(
    "/interrogate",
    route_handlers=[interrogate_async, read_interrogation, cancel_interrogation, pop_forms, submit_form],
    tags=["Alchemy"],
)
