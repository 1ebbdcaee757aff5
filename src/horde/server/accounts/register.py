"""New accounts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from horde.errors import BadInput, TooLongUserName
from horde.server.accounts.keys import digest, new_key
from horde.server.accounts.users import User, sql, users_by_id
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.ledger.accounts import floor_of
from horde.server.ledger.grants import grant, open_account
from horde.units import Kudos

USERNAME_MAX = 30
DEFAULT_CONCURRENCY = 30


@dataclass(frozen=True, slots=True)
class Registration:
    """A new account and its key, which is not kept anywhere."""

    user: User
    key: str


async def register(
    ctx: Context,
    name: str,
    *,
    is_pseudonymous: bool = True,
    is_trusted: bool = False,
    is_moderator: bool = False,
    is_admin: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
    kudos: Kudos = Kudos(0),
) -> Registration:
    """Make an account with a key; names need not be unique, `name#id` is.

    Each call makes another account; it has that many `kudos`, but no fewer than its floor. Raises BadInput for an empty
    name, TooLongUserName above 30 characters.
    """
    async with ctx.database.transaction() as tx:
        return await register_in(
            tx,
            ctx.now,
            username(name),
            is_pseudonymous=is_pseudonymous,
            is_trusted=is_trusted,
            is_moderator=is_moderator,
            is_admin=is_admin,
            concurrency=concurrency,
            kudos=kudos,
        )


async def register_in(
    tx: Tx,
    now: datetime,
    name: str,
    *,
    is_pseudonymous: bool,
    is_trusted: bool = False,
    is_moderator: bool = False,
    is_admin: bool = False,
    concurrency: int = DEFAULT_CONCURRENCY,
    kudos: Kudos = Kudos(0),
) -> Registration:
    """As `register`, as a part of something larger; the name must be one that `username` gave."""
    key = new_key()
    user_id = await tx.value(
        sql.add_user,
        int,
        name=name,
        is_pseudonymous=is_pseudonymous,
        is_trusted=is_trusted or is_moderator or is_admin,
        is_moderator=is_moderator or is_admin,
        is_admin=is_admin,
        concurrency=concurrency,
        now=now,
    )
    assert user_id is not None
    user = (await users_by_id(tx, [user_id]))[user_id]
    await tx.run(sql.add_key, digest=digest(key), user_id=user.id, now=now)
    await open_account(tx, user.id, is_pseudonymous=is_pseudonymous, now=now)
    floor = floor_of(user.id, is_pseudonymous=is_pseudonymous)
    if kudos > floor:
        await grant(tx, uuid.uuid4(), user.id, Kudos(kudos - floor), now=now)
    return Registration(user, key)


def username(text: str) -> str:
    """A name as it is stored. Raises BadInput, TooLongUserName for one that cannot be."""
    name = " ".join(text.split())
    if not name:
        raise BadInput("A username cannot be empty.")
    if len(name) > USERNAME_MAX:
        raise TooLongUserName(f"The username has {len(name)} characters; at most {USERNAME_MAX} are taken.")
    if "\x00" in name:
        raise BadInput("A username cannot hold a NUL byte.")
    return name
