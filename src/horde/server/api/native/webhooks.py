"""Webhooks beyond the field that v2 has for them: their secret and their log, for the account they belong to."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, QueryParameter

from horde.kinds.base import WebhookEvent
from horde.server.api.auth import Caller, provide_user
from horde.server.api.connection import AnyRequest, Ctx, base_url
from horde.server.webhooks import log, sign
from horde.wire import native

PATH = "/api/webhooks"
PRIVATE = {"Cache-Control": "private, no-store", "Vary": "apikey"}

State = Annotated[
    native.WebhookState | None, QueryParameter(name="state", required=False, description="Only what is in this state.")
]
Event = Annotated[WebhookEvent | None, QueryParameter(required=False, description="Only what tells of this.")]
RequestId = Annotated[UUID | None, QueryParameter(name="request", required=False, description="Only of this request.")]
Before = Annotated[
    int | None, QueryParameter(required=False, ge=0, le=2**63 - 1, description="`next_before` of the page before.")
]
Limit = Annotated[
    int, QueryParameter(required=False, ge=1, le=native.WEBHOOK_LIMIT_MAX, description="Deliveries of a page.")
]
KeepPrevious = Annotated[
    bool,
    QueryParameter(
        required=False,
        description="Whether messages are signed with the old secret as well for 24 hours; false where it leaked.",
    ),
]

authenticated = {"user": Provide(provide_user)}


@get("/secret", dependencies=authenticated, summary="My webhooks' secret")
async def read_secret(ctx: Ctx, user: Caller) -> Response[native.WebhookSecret]:
    """What the messages of this account are signed with; made when it is first asked for or needed."""
    return Response(_secret(await sign.secret(ctx, user)), headers=PRIVATE)


@post("/secret/rotate", status_code=200, dependencies=authenticated, summary="A new secret")
async def rotate_secret(ctx: Ctx, user: Caller, keep_previous: KeepPrevious = True) -> Response[native.WebhookSecret]:
    """Make a new secret."""
    return Response(_secret(await sign.rotate(ctx, user, keep_previous=keep_previous)), headers=PRIVATE)


@get("/deliveries", dependencies=authenticated, summary="What was told, and what was not")
async def list_deliveries(
    request: AnyRequest,
    ctx: Ctx,
    user: Caller,
    in_state: State = None,
    event: Event = None,
    request_id: RequestId = None,
    before: Before = None,
    limit: Limit = native.WEBHOOK_LIMIT,
) -> Response[native.WebhookDeliveries]:
    """The messages of this account of the last week, the newest first; the next page is also in the header Link."""
    search = log.Search(state=in_state, event=event, request_id=request_id, before=before)
    page = await log.deliveries(ctx, user, search, limit=limit)
    headers = dict(PRIVATE)
    if page.next_before is not None:
        words = {**request.query_params.dict(), "before": [str(page.next_before)]}
        headers["Link"] = f'<{base_url(request)}{PATH}/deliveries?{urlencode(words, doseq=True)}>; rel="next"'
    answer = native.WebhookDeliveries(
        deliveries=[_delivery(found) for found in page.deliveries], next_before=page.next_before
    )
    return Response(answer, headers=headers)


@post("/deliveries/{delivery_id:str}/retry", status_code=202, dependencies=authenticated, summary="Tell it again")
async def retry_delivery(ctx: Ctx, user: Caller, delivery_id: FromPath[str]) -> Response[native.WebhookDelivery]:
    """Send a message once more, whatever became of it: at once, or ten seconds after its last attempt."""
    return Response(_delivery(await log.try_again(ctx, user, delivery_id)), status_code=202, headers=PRIVATE)


def _secret(found: sign.Secret) -> native.WebhookSecret:
    return native.WebhookSecret(secret=found.text, made_at=found.made_at, previous_until=found.previous_until)


def _delivery(found: log.Delivery) -> native.WebhookDelivery:
    return native.WebhookDelivery(
        id=str(found.id),
        event=found.event,
        request=str(found.request_id),
        url=found.url,
        state=found.state,
        attempts=found.attempts,
        created_at=found.created_at,
        tried_at=found.tried_at,
        next_try=found.due_at,
        answer_status=found.answer_status,
        answer_body=found.answer_body,
        failure=found.failure,
    )


router = Router(PATH, route_handlers=[read_secret, rotate_secret, list_deliveries, retry_delivery], tags=["Webhooks"])
