"""What a worker has done, counted as it happens."""

from __future__ import annotations

from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.workers.roster import sql
from horde.units import Kudos


async def credit(tx: Tx, worker_id: UUID, *, things: int, seconds: float, earned: Kudos) -> None:
    """Count a delivered job; `seconds` is the time from pop to submit, at least a millisecond."""
    speed = things / max(seconds, 0.001)
    await tx.run(sql.credit_worker, id=worker_id, things=things, earned_mk=earned, speed=speed)


async def count_uncompleted(tx: Tx, worker_id: UUID, jobs: int = 1) -> None:
    """Count jobs that a worker took and did not deliver."""
    await tx.run(sql.count_uncompleted, id=worker_id, jobs=jobs)
