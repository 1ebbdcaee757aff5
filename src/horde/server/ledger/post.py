"""The business events that move kudos. Each is safe to post twice."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.ledger.book import MINT, Account, Transfer, lock_accounts, post
from horde.units import Kudos, kudos

FLOOR_ANONYMOUS = kudos(-50)
FLOOR_REGISTERED = kudos(14)
"""Below these a balance is lifted after a charge (contract/kudos.md, section 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Who pays, and how low the balance may be."""

    user_id: int
    floor: Kudos


async def grant(tx: Tx, event_id: UUID, user_id: int, amount: Kudos, *, now: datetime) -> None:
    """Mint kudos for a user; `amount` > 0."""
    accounts = await lock_accounts(tx, {user_id})
    transfer = Transfer(
        id=event_id,
        source=accounts[MINT].id,
        target=accounts[user_id].id,
        amount=amount,
        reason="grant",
        subject=None,
    )
    await post(tx, transfer, now=now)


async def pay_job(
    tx: Tx, job_id: UUID, payer: Payer, worker_owner_id: int, reward: Kudos, *, charge: Kudos, now: datetime
) -> None:
    """Pay a worker's owner for a job, charge the requestor, and lift the requestor to the floor of its balance.

    What the requestor is not charged is minted. One's own job on one's own worker moves nothing. Idempotent by the
    job's id.
    """
    if payer.user_id == worker_owner_id or reward <= 0:
        return
    accounts = await lock_accounts(tx, {payer.user_id, worker_owner_id})
    mint, source, target = accounts[MINT], accounts[payer.user_id], accounts[worker_owner_id]

    async def move(part: str, origin: Account, goal: Account, amount: int, reason: str) -> int:
        if amount <= 0:
            return 0
        transfer = Transfer(
            id=uuid.uuid5(job_id, part),
            source=origin.id,
            target=goal.id,
            amount=Kudos(amount),
            reason=reason,
            subject=job_id,
        )
        return amount if await post(tx, transfer, now=now) else 0

    # What was charged by an earlier call is in the balance already; it must not lift the balance again.
    charged = await move("job", source, target, charge, "job")
    await move("unpaid", mint, target, reward - charge, "job")
    await move("floor", mint, source, payer.floor - (source.balance_mk - charged), "floor")
