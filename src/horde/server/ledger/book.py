"""The accounts of the ledger and one posting between two of them. Nothing else writes balances."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.db.queries import load
from horde.units import Kudos

sql = load(__package__)

MINT = "mint"
"""The system account out of which new kudos come; its balance is the negative of all that exist."""


@dataclass(frozen=True, slots=True)
class Account:
    """A ledger account, locked by the transaction that read it."""

    id: int
    user_id: int | None
    system_name: str | None
    balance_mk: int

    @property
    def key(self) -> int | str:
        """The user's id or the system's name: the database sees to it that there is exactly one."""
        if self.user_id is not None:
            return self.user_id
        assert self.system_name is not None
        return self.system_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A movement that is to be posted; `id` makes posting it twice harmless."""

    id: UUID
    source: int
    target: int
    amount: Kudos
    reason: str
    """`grant`, `job` or `floor`."""
    subject: UUID | None


async def open_account(tx: Tx, user_id: int) -> None:
    """Give a user an account with balance 0. Safe to call twice."""
    await tx.run(sql.open_account, user_id=user_id)


async def lock_accounts(tx: Tx, user_ids: Iterable[int]) -> dict[int | str, Account]:
    """The accounts of these users, locked, and the mint, which is not; by user id or system name.

    Locked in the order of account ids, so that two transactions never wait for each other in a ring. The mint's balance
    decides nothing, so nobody has to wait for it longer than it takes to move it.
    """
    accounts = await tx.all(sql.lock_accounts, Account, user_ids=sorted(user_ids), system_names=[MINT])
    return {account.key: account for account in accounts}


async def post(tx: Tx, events: Sequence[Sequence[Transfer]], *, now: datetime) -> int:
    """Write the transfers of business events and move the balances; their accounts must be locked by `lock_accounts`.

    An event is posted whole or not at all: when its first transfer was posted before, nothing of it is written. Returns
    how many balances moved.
    """
    rows = [
        {
            "id": transfer.id,
            "lead": event[0].id,
            "source": transfer.source,
            "target": transfer.target,
            "amount_mk": transfer.amount,
            "reason": transfer.reason,
            "subject": transfer.subject,
        }
        for event in events
        for transfer in event
    ]
    return await tx.run(sql.post, transfers=rows, now=now) if rows else 0
