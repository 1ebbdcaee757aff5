"""Passkeys of proxies: with one, a service account's proxy may say for which address it calls.

Kept as digests, as API keys are, and shown once. There are few of them, so a process knows them all: an unknown one
costs no look into the database, and nobody can make it look by trying many.
"""

from __future__ import annotations

from horde.server.accounts.keys import KEY_LENGTH_MAX, digest, new_key
from horde.server.accounts.users import sql
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.memory import Copy

PASSKEYS_MAX = 10_000
"""So many are known at once, those of the oldest accounts."""


class Passkeys:
    """The digests of all passkeys that hold, as this process read them last."""

    def __init__(self) -> None:
        self.copy = Copy(_read)


async def make_passkey(ctx: Context, tx: Tx, user_id: int) -> str:
    """Give an account a new passkey; an older one of it holds no more."""
    passkey = new_key()
    await tx.run(sql.set_passkey, user_id=user_id, digest=digest(passkey), now=ctx.now)
    return passkey


async def is_passkey(ctx: Context, text: str) -> bool:
    """Whether a service account holds this passkey; a change of it is known after a second or so."""
    if not 0 < len(text) <= KEY_LENGTH_MAX:
        return False
    known = await ctx.remembered(Passkeys).copy.read(ctx, now=ctx.now, period_s=ctx.services.settings.refresh_s)
    return digest(text) in known


async def _read(ctx: Context, _before: frozenset[bytes] | None) -> frozenset[bytes]:
    async with ctx.database.statement() as tx:
        return frozenset(await tx.all(sql.passkeys, _digest, limit=PASSKEYS_MAX))


def _digest(*, digest: bytes) -> bytes:
    return digest
