"""Accounts with any role, for tests of clients, on a server that allows it. Source: contract/api-v2.md, section 11."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from horde.server.accounts.keys import digest, new_key
from horde.server.accounts.register import register_in, username
from horde.server.accounts.users import User, sql, users_by_id
from horde.server.context import Context
from horde.server.ledger.balance import balance
from horde.server.ledger.escrow import release
from horde.server.ledger.grants import grant
from horde.units import Kudos

DEV_USERS_LOCK = 0x446576
"""Any number that nobody else uses as an advisory lock: the letters "Dev"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An account as a test wants it."""

    name: str
    oauth_id: str
    """By which the test knows it again."""
    is_moderator: bool
    is_trusted: bool
    kudos: Kudos | None
    """What it shall have, but no less than its floor; None: what it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevUser:
    """An account for tests with a fresh key."""

    user: User
    key: str
    kudos: Kudos
    is_new: bool


async def dev_user(ctx: Context, wish: Wish) -> DevUser:
    """Make the account, or change the one that was made under the same `oauth_id`; its key is a new one each time.

    Whoever may call this may do anything: the edge sees to it. Raises BadInput, TooLongUserName.
    """
    name = username(wish.name)
    async with ctx.database.transaction() as tx:
        await tx.all(sql.hold_dev_users, dict, lock_number=DEV_USERS_LOCK)
        known = await tx.value(sql.dev_user, int, oauth_id=wish.oauth_id)
        if known is None:
            made = await register_in(tx, ctx.now, name, is_pseudonymous=False)
            user_id, key = made.user.id, made.key
            await tx.run(sql.add_dev_user, oauth_id=wish.oauth_id, user_id=user_id)
        else:
            user_id, key = known, new_key()
            await tx.run(sql.replace_key, user_id=user_id, digest=digest(key), now=ctx.now)
        is_trusted = wish.is_trusted or wish.is_moderator
        await tx.run(
            sql.change_dev_user, user_id=user_id, name=name, is_moderator=wish.is_moderator, is_trusted=is_trusted
        )
        if is_trusted:
            await release(tx, user_id, ctx.now)
        if wish.kudos is not None:
            more = Kudos(wish.kudos - (await balance(tx, user_id)).own)
            await grant(tx, uuid.uuid4(), user_id, more, now=ctx.now, note="for tests")
        user = (await users_by_id(tx, [user_id]))[user_id]
        return DevUser(user=user, key=key, kudos=(await balance(tx, user_id)).own, is_new=known is None)
