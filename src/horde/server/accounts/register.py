"""New accounts."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from horde.errors import BadInput, TooLongUserName
from horde.server.accounts.keys import digest, new_key
from horde.server.accounts.users import User, sql
from horde.server.context import Context
from horde.server.ledger.book import open_account
from horde.server.ledger.post import grant
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
    concurrency: int = DEFAULT_CONCURRENCY,
    kudos: Kudos = Kudos(0),
) -> Registration:
    """Make an account with a key; names need not be unique, `name#id` is.

    Each call makes another account. Raises BadInput for an empty name, TooLongUserName above 30 characters.
    """
    name = " ".join(name.split())
    if not name:
        raise BadInput("A username cannot be empty.")
    if len(name) > USERNAME_MAX:
        raise TooLongUserName(f"The username has {len(name)} characters; at most {USERNAME_MAX} are taken.")
    if "\x00" in name:
        raise BadInput("A username cannot hold a NUL byte.")
    key = new_key()
    async with ctx.database.transaction() as tx:
        user = await tx.maybe(
            sql.add_user,
            User,
            name=name,
            is_pseudonymous=is_pseudonymous,
            is_trusted=is_trusted or is_moderator,
            is_moderator=is_moderator,
            concurrency=concurrency,
            now=ctx.now,
        )
        assert user is not None
        await tx.run(sql.add_key, digest=digest(key), user_id=user.id, now=ctx.now)
        await open_account(tx, user.id)
        if kudos > 0:
            await grant(tx, uuid.uuid4(), user.id, kudos, now=ctx.now)
    return Registration(user, key)
