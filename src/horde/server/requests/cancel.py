"""Stop a request. What runs may still be delivered and is paid; what was held for the rest comes back."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News
from horde.server.requests import sql
from horde.server.requests.giveback import Return, return_kudos
from horde.server.requests.read import Status, request_id_of, status_in
from horde.units import Kudos


@dataclass(frozen=True, slots=True)
class _Stopped:
    user_id: int
    returned_mk: int


async def cancel(ctx: Context, request_id: str, *, kind: str) -> Status:
    """Let nothing more of a request be handed out; returns it as it stood just before. A second call changes nothing.

    Raises RequestNotFound, also for a request of another kind.
    """
    key = request_id_of(request_id)
    async with ctx.database.transaction() as tx:
        await tx.values(sql.lock_requests, UUID, ids=[key])
        status = await status_in(tx, ctx, key, kind=kind)
        stopped = await tx.maybe(sql.cancel, _Stopped, id=key)
        if stopped and stopped.returned_mk:
            back = Return(key, stopped.user_id, Kudos(stopped.returned_mk))
            await return_kudos(tx, ctx, [back], note="cancelled")
    ctx.services.hints.publish(News(topics=[notify.done(str(key))]))
    return status
