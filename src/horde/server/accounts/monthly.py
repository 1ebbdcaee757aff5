"""What accounts get each month, and when; the paying is done in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from horde.server.accounts.users import sql
from horde.server.db.pool import Tx
from horde.units import Kudos, kudos

FOR_MODERATORS = kudos(300_000)
"""A month, for their pains (contract/kudos.md, section 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monthly:
    """An account's monthly kudos, locked."""

    user_id: int
    monthly_mk: int
    """As an admin set it."""
    is_moderator: bool
    gets_monthly: bool
    since: datetime | None
    """When the first were due; None: the clock stands."""
    due_at: datetime | None

    @property
    def amount(self) -> Kudos:
        """All that the account gets each month."""
        return Kudos(self.monthly_mk + (FOR_MODERATORS if self.is_moderator else 0)) if self.gets_monthly else Kudos(0)


async def due(tx: Tx, *, now: datetime, limit: int) -> list[int]:
    """The accounts whose monthly kudos are due."""
    return await tx.values(sql.monthly_due, int, now=now, limit=limit)


async def lock_monthly(tx: Tx, user_id: int) -> Monthly | None:
    """An account's monthly kudos, held until the transaction ends. Locks the user, so before balances."""
    return await tx.maybe(sql.lock_monthly, Monthly, user_id=user_id)


async def set_amount(tx: Tx, user_id: int, amount: Kudos) -> None:
    """Write what an account gets each month from now on."""
    await tx.run(sql.set_monthly_amount, user_id=user_id, amount_mk=amount)


async def set_clock(tx: Tx, user_id: int, *, since: datetime, due_at: datetime) -> None:
    """Write when the first monthly kudos of an account were due, and the next are."""
    await tx.run(sql.set_monthly_clock, user_id=user_id, since=since, due_at=due_at)


async def stop_idle_clocks(tx: Tx, *, now: datetime) -> int:
    """Stop the clocks of accounts that get nothing when it is due; returns how many."""
    return await tx.run(sql.stop_monthly_clocks, now=now)
