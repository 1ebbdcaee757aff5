"""Reading balances."""

from __future__ import annotations

from horde.server.db.pool import Tx
from horde.server.ledger.book import sql
from horde.units import Kudos


async def balance(tx: Tx, user_id: int) -> Kudos:
    """What a user has, exact at the last commit; 0 for one without an account."""
    return Kudos(await tx.value(sql.balance, int, user_id=user_id) or 0)
