"""Kudos for being there: at a check-in, when a worker was online for long enough since it was last paid for that.

Source: contract/kudos.md, section 6.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from horde.kinds import KINDS
from horde.server.db.pool import Tx
from horde.server.ledger.book import Book, Event
from horde.server.ledger.jobs import credited
from horde.server.teams.count import Share, count
from horde.server.workers.roster import Worker, sql
from horde.units import Kudos

PAID_AFTER_S = 600
"""Seconds online that are paid at once, when they are exceeded."""


async def pay_uptime(tx: Tx, workers: Sequence[Worker], *, now: datetime) -> None:
    """Pay the owners of these locked workers, each of which has been online for long enough.

    All of it goes into escrow where the owner is not trusted, but for kinds that say otherwise.
    Locks teams, then accounts.
    """
    if not workers:
        return
    rewards = {worker.id: _reward(worker) for worker in workers}
    await tx.run(sql.uptime_paid, workers=[{"id": key, "paid_mk": reward} for key, reward in rewards.items()])
    await count(tx, [Share(team_id=worker.team_id, uptime_s=PAID_AFTER_S) for worker in workers if worker.team_id])
    book = await Book.open(tx, {worker.user_id for worker in workers})
    for worker in workers:
        reward = rewards[worker.id]
        is_spendable = worker.owner_is_trusted or KINDS[worker.kind].uptime_is_spendable
        escrow = Kudos(0) if is_spendable else reward
        move = credited(worker.user_id, reward, escrow=escrow)
        book.enter(Event(id=uuid.uuid4(), kind="uptime", worker_id=worker.id, moves=[move]))
    await book.post(now)


def _reward(worker: Worker) -> Kudos:
    return KINDS[worker.kind].uptime_reward(worker.models, worker.terms.features, worker.terms.sizes)
