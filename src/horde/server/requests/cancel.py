"""Stop a request. What runs may still be delivered and is paid."""

from __future__ import annotations

from uuid import UUID

from horde.server.context import Context
from horde.server.db import notify
from horde.server.requests.read import Status, request_id_of, status_in
from horde.server.requests.submit import sql


async def cancel(ctx: Context, request_id: str, *, kind: str) -> Status:
    """Let nothing more of a request be handed out; returns it as it stood just before. A second call changes nothing.

    Raises RequestNotFound, also for a request of another kind.
    """
    key = request_id_of(request_id)
    async with ctx.database.transaction() as tx:
        await tx.value(sql.lock_request, UUID, id=key)
        status = await status_in(tx, ctx, key, kind=kind)
        await tx.run(sql.cancel, id=key)
        await notify.ring(tx, notify.done(request_id))
    return status
