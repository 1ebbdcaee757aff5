"""Who served well for a while is trusted, and what is in escrow can be spent.

Source: contract/kudos.md, section 6.
"""

from __future__ import annotations

from datetime import timedelta

from horde.server.accounts.trust import lock_user, trust
from horde.server.accounts.users import ANONYMOUS_ID, SUSPICIOUS_FROM
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.ledger.accounts import sql
from horde.server.ledger.book import Book
from horde.server.ledger.escrow import enter_release
from horde.units import kudos

AGE_MIN = timedelta(days=7)
ROUND_MAX = 500
"""Accounts of one round: each is a transaction of its own."""


async def promote(ctx: Context) -> int:
    """Trust who has more in escrow than the operator's threshold, and free the escrow of all who are trusted.

    The latter also of accounts that an operator trusted, and what a process put into escrow that did not know yet.
    Returns how many accounts; safe on several nodes at once.
    """
    async with ctx.database.statement() as tx:
        found = await _to_free(tx, ctx)
    freed = 0
    for user_id in found:
        async with ctx.database.transaction() as tx:
            freed += await _free(tx, ctx, user_id)
    return freed


async def _free(tx: Tx, ctx: Context, user_id: int) -> bool:
    await lock_user(tx, user_id)
    book = await Book.open(tx, {user_id})
    # Only what is still so now that nobody else can change it.
    if not await _to_free(tx, ctx, only=user_id):
        return False
    await trust(tx, user_id)
    enter_release(book, user_id)
    await book.post(ctx.now)
    return True


async def _to_free(tx: Tx, ctx: Context, *, only: int | None = None) -> list[int]:
    threshold = ctx.services.settings.kudos_trust_threshold
    return await tx.values(
        sql.escrow_to_free,
        int,
        only=only,
        threshold_mk=None if threshold is None else kudos(threshold),
        born_before=ctx.now - AGE_MIN,
        suspicion_max=SUSPICIOUS_FROM,
        anonymous=ANONYMOUS_ID,
        limit=ROUND_MAX,
    )
