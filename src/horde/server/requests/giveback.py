"""Jobs that end without a result: back into the queue, and the request ended after three faults."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from horde.server.db import notify
from horde.server.db.pool import Tx
from horde.server.requests.submit import sql
from horde.server.workers.record import count_uncompleted

FAULTS_MAX = 3
"""So many lost or faulted batches end a request: something in it breaks workers (contract/lifecycle.md, section 7; it
counts jobs, but a worker that is killed with four of them in hand has failed once)."""


async def give_back(
    tx: Tx, request_id: UUID, job_ids: list[UUID], state: Literal["faulted", "lost"], *, now: datetime
) -> int:
    """End those of a request's jobs that are still leased; their images wait again.

    Locks the request, and after it the jobs. Returns how many there were; jobs that ended before are left alone, so a
    second call does nothing.
    """
    await tx.value(sql.lock_request, UUID, id=request_id)
    owners = await tx.values(sql.end_jobs, UUID, ids=job_ids, request_id=request_id, state=state, now=now)
    if not owners:
        return 0
    for worker_id in sorted(set(owners)):
        await count_uncompleted(tx, worker_id, owners.count(worker_id))
    await tx.run(sql.requeue, id=request_id, jobs=len(owners), faults_max=FAULTS_MAX)
    await notify.ring(tx, notify.WORK)
    await notify.ring(tx, notify.done(str(request_id)))
    return len(owners)
