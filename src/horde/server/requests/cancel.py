"""Stop a request. What runs may still be delivered and is paid."""

from __future__ import annotations

from uuid import UUID

from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News
from horde.server.requests import sql
from horde.server.requests.read import Status, request_id_of, status_in


async def cancel(ctx: Context, request_id: str, *, kind: str) -> Status:
    """Let nothing more of a request be handed out; returns it as it stood just before. A second call changes nothing.

    Raises RequestNotFound, also for a request of another kind.
    """
    key = request_id_of(request_id)
    async with ctx.database.transaction() as tx:
        await tx.values(sql.lock_requests, UUID, ids=[key])
        status = await status_in(tx, ctx, key, kind=kind)
        await tx.run(sql.cancel, id=key)
    ctx.services.hints.publish(News(topics=[notify.done(str(key))]))
    return status
