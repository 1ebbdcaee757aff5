"""Messages to workers. Source: contract/api-v2.md, section 7.2."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, post
from litestar.di import Provide
from litestar.params import JSONBody, PathParameter, QueryParameter

from horde.server.api.auth import Caller, provide_user
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.api.v2.messages_translate import answer
from horde.server.api.v2.workers import given
from horde.server.workers.messages import Validity, delete_message, message, messages, write_message
from horde.wire import v2, v2_accounts

AuthorFilter = Annotated[
    str | None, QueryParameter(name="user_id", required=False, description="Only what this account wrote.")
]
WorkerFilter = Annotated[
    str | None, QueryParameter(name="worker_id", required=False, description="Only what is for this worker.")
]
ValidityFilter = Annotated[
    Validity, QueryParameter(name="validity", required=False, description="Shown still, expired, or both.")
]
Page = Annotated[int, QueryParameter(required=False, description="From 1 on; 50 messages each.")]
MessageId = Annotated[str, PathParameter(description="The `id` of a message.")]

authenticated = {"user": Provide(provide_user)}


@get("/", dependencies=authenticated, summary="Messages to workers")
async def list_messages(
    ctx: Ctx,
    user: Caller,
    author: AuthorFilter = None,
    worker: WorkerFilter = None,
    validity: ValidityFilter = "active",
    page: Page = 1,
) -> list[v2.MessageAnswer]:
    """What you wrote, what is written to your workers and to all; moderators see what everybody wrote. Newest first."""
    found = await messages(ctx, user, author=author, worker_id=worker, validity=validity, page=page)
    return [answer(one) for one in found]


@post(
    "/",
    status_code=200,
    dto=StrictJson[v2.NewMessage],
    return_dto=None,
    dependencies=authenticated,
    summary="Write to a worker",
)
async def create_message(ctx: Ctx, user: Caller, data: JSONBody[v2.NewMessage]) -> v2.MessageAnswer:
    """Have something shown at the pops of a worker of yours; moderators write to any worker, or to all."""
    written = await write_message(
        ctx, user, data.message, worker_id=given(data.worker_id), origin=given(data.origin), hours=data.expiry
    )
    return answer(written)


@get("/{message_id:str}", summary="One message")
async def read_message(ctx: Ctx, message_id: MessageId) -> v2.MessageAnswer:
    """A message to a worker, expired or not."""
    return answer(await message(ctx, message_id))


@delete("/{message_id:str}", status_code=200, dependencies=authenticated, summary="Delete a message")
async def remove_message(ctx: Ctx, user: Caller, message_id: MessageId) -> v2_accounts.Done:
    """Show a message no more; for who wrote it, and moderators."""
    await delete_message(ctx, user, message_id)
    return v2_accounts.Done()


router = Router(
    "/workers/messages", route_handlers=[list_messages, create_message, read_message, remove_message], tags=["Workers"]
)
