"""New accounts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from horde.errors import BadInput, TooLongUserName
from horde.server.accounts.keys import digest, new_key
from horde.server.accounts.users import User, sql, users_by_id
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.ledger.accounts import floor_of
from horde.server.ledger.grants import grant, open_account
from horde.server.moderation.harmless import harmless
from horde.units import Kudos

USERNAME_MAX = 30
DEFAULT_CONCURRENCY = 30


@dataclass(frozen=True, slots=True)
class Registration:
    """A new account and its key, which is not kept anywhere."""

    user: User
    key: str


class Roles(TypedDict, total=False):
    """What a new account may be beyond what everybody is; moderators and admins are trusted too."""

    is_trusted: bool
    is_moderator: bool
    is_admin: bool
    concurrency: int
    kudos: Kudos
    """What it has; no less than its floor."""


async def register(ctx: Context, name: str, *, is_pseudonymous: bool = True, **roles: Unpack[Roles]) -> Registration:
    """Make an account with a key; names need not be unique, `name#id` is.

    Each call makes another account. Raises BadInput for an empty name, TooLongUserName above 30 characters.
    """
    async with ctx.database.transaction() as tx:
        return await register_in(tx, ctx.now, username(name), is_pseudonymous=is_pseudonymous, **roles)


async def register_in(
    tx: Tx, now: datetime, name: str, *, is_pseudonymous: bool, **roles: Unpack[Roles]
) -> Registration:
    """As `register`, as a part of something larger; the name must be one that `username` gave."""
    is_admin = roles.get("is_admin", False)
    is_moderator = is_admin or roles.get("is_moderator", False)
    key = new_key()
    user_id = await tx.value(
        sql.add_user,
        int,
        name=name,
        is_pseudonymous=is_pseudonymous,
        is_trusted=is_moderator or roles.get("is_trusted", False),
        is_moderator=is_moderator,
        is_admin=is_admin,
        concurrency=roles.get("concurrency", DEFAULT_CONCURRENCY),
        now=now,
    )
    assert user_id is not None
    user = (await users_by_id(tx, [user_id]))[user_id]
    await tx.run(sql.add_key, digest=digest(key), user_id=user.id, now=now)
    await open_account(tx, user.id, is_pseudonymous=is_pseudonymous, now=now)
    floor = floor_of(user.id, is_pseudonymous=is_pseudonymous)
    if (kudos := roles.get("kudos", Kudos(0))) > floor:
        await grant(tx, uuid.uuid4(), user.id, Kudos(kudos - floor), now=now)
    return Registration(user, key)


def username(text: str) -> str:
    """A name as it is stored, harmless in a page. Raises BadInput, TooLongUserName for one that cannot be."""
    name = " ".join(text.split())
    if not name:
        raise BadInput("A username cannot be empty.")
    if len(name) > USERNAME_MAX:
        raise TooLongUserName(f"The username has {len(name)} characters; at most {USERNAME_MAX} are taken.")
    if "\x00" in name:
        raise BadInput("A username cannot hold a NUL byte.")
    return harmless(name)
