"""Delete an account: first it is only shut, and can be opened again; after thirty days it may be wiped.

Source: contract/api-v2.md, section 6.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from horde.errors import UserNotFound
from horde.errors.sharing import AnonForbiddenUser, CannotDeleteMod, CannotWipeActiveUser, NotUserOrMod
from horde.server.accounts.trust import lock_user
from horde.server.accounts.users import User, sql
from horde.server.context import Context

WIPED_AFTER = timedelta(days=30)
"""How long an account stays deleted before it can be wiped; who is deleted does nothing, so that was its last act."""
NAME_OF_THE_WIPED = "wiped"


@dataclass(frozen=True, slots=True)
class _Since:
    deleted_at: datetime | None
    wiped_at: datetime | None


async def leave(ctx: Context, caller: User, target: User) -> None:
    """Delete an account; a second call, thirty days later, wipes it.

    What is deleted can neither ask nor serve, and `undelete` takes it back. What is wiped has no name and no keys; its
    bookings stay, because everybody's add up with them. Raises AnonForbiddenUser, NotUserOrMod, CannotDeleteMod,
    CannotWipeActiveUser; UserNotFound for one that was wiped before.
    """
    if caller.is_anonymous or target.is_anonymous:
        raise AnonForbiddenUser
    if caller.id != target.id and not caller.is_moderator:
        raise NotUserOrMod
    if target.is_moderator:
        raise CannotDeleteMod
    async with ctx.database.transaction() as tx:
        await lock_user(tx, target.id)
        since = await tx.maybe(sql.deleted_at, _Since, id=target.id)
        if since is None or since.wiped_at:
            raise UserNotFound
        if since.deleted_at is None:
            await tx.run(sql.mark_deleted, id=target.id, now=ctx.now)
        elif ctx.now - since.deleted_at < WIPED_AFTER:
            at = (since.deleted_at + WIPED_AFTER).strftime("%Y-%m-%d %H:%M UTC")
            raise CannotWipeActiveUser(f"This account is deleted already, and can be wiped from {at} on.")
        else:
            await tx.run(sql.wipe, id=target.id, name=NAME_OF_THE_WIPED, now=ctx.now)
