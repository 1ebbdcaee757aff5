"""The business events that move kudos. Each is safe to post twice."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.server.accounts.users import ANONYMOUS_ID
from horde.server.db.pool import Tx
from horde.server.ledger.book import MINT, Account, Transfer, lock_accounts, post
from horde.units import Kudos, kudos

FLOOR_ANONYMOUS = kudos(-50)
FLOOR_REGISTERED = kudos(14)
"""Below these a balance is lifted after a charge (contract/kudos.md, section 6)."""


def floor_of(user_id: int) -> Kudos:
    """How low the balance of an account may be."""
    return FLOOR_ANONYMOUS if user_id == ANONYMOUS_ID else FLOOR_REGISTERED


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPayment:
    """What a job's end moves."""

    job_id: UUID
    payer_id: int
    worker_owner_id: int
    reward: Kudos
    charge: Kudos
    """At most the reward; what the payer is not charged is minted."""


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
    await post(tx, [[transfer]], now=now)


async def pay_jobs(tx: Tx, payments: Sequence[JobPayment], *, now: datetime) -> None:
    """Pay the workers' owners for jobs, charge the requestors, and lift those who fell below their floors.

    One's own job on one's own worker moves nothing. Idempotent by the job's id; in a batch with new jobs of the same
    payer, one that was paid before counts towards the lift as if it were new, so `deliver` brings each job once.
    """
    moving = [payment for payment in payments if payment.payer_id != payment.worker_owner_id and payment.reward > 0]
    if not moving:
        return
    users = {payment.payer_id for payment in moving} | {payment.worker_owner_id for payment in moving}
    accounts = await lock_accounts(tx, users)
    balances = {key: account.balance_mk for key, account in accounts.items()}
    events = []
    for payment in moving:
        event = _event(payment, accounts, balances)
        for transfer, source, target in event:
            balances[source] -= transfer.amount
            balances[target] += transfer.amount
        events.append([transfer for transfer, _, _ in event])
    await post(tx, events, now=now)


def _event(
    payment: JobPayment, accounts: Mapping[int | str, Account], balances: Mapping[int | str, int]
) -> list[tuple[Transfer, int | str, int | str]]:
    """The transfers of a payment, each with the keys of its source and target."""
    payer, owner = payment.payer_id, payment.worker_owner_id
    left = balances[payer] - payment.charge
    moves: tuple[tuple[str, int | str, int | str, int, str], ...] = (
        ("job", payer, owner, payment.charge, "job"),
        ("unpaid", MINT, owner, payment.reward - payment.charge, "job"),
        ("floor", MINT, payer, floor_of(payer) - left, "floor"),
    )
    return [
        (
            Transfer(
                id=uuid.uuid5(payment.job_id, part),
                source=accounts[source].id,
                target=accounts[target].id,
                amount=Kudos(amount),
                reason=reason,
                subject=payment.job_id,
            ),
            source,
            target,
        )
        for part, source, target, amount, reason in moves
        if amount > 0
    ]
