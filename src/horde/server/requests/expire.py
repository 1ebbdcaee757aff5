"""What time does to requests: lost leases go back to the queue, forgotten requests leave with their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from horde.server.context import Context
from horde.server.requests.giveback import give_back
from horde.server.requests.submit import sql
from horde.server.storage.objects import job_key

ROUND_MAX = 500
"""How much one round takes on, so that a round is short and another node can follow."""


@dataclass(frozen=True, slots=True)
class LateJob:
    """A job past its deadline."""

    id: UUID
    request_id: UUID
    worker_id: UUID


async def return_late_jobs(ctx: Context) -> int:
    """Give back jobs past their deadline; returns how many."""
    async with ctx.database.transaction() as tx:
        late = await tx.all(sql.late_jobs, LateJob, now=ctx.now, limit=ROUND_MAX)
    returned = 0
    for job in late:
        async with ctx.database.transaction() as tx:
            await tx.value(sql.lock_jobs_worker, UUID, id=job.worker_id)
            returned += await give_back(tx, job.request_id, [job.id], "lost", now=ctx.now)
    return returned


async def forget_expired(ctx: Context) -> int:
    """Delete requests past their expiry, with their pictures; returns how many."""
    async with ctx.database.transaction() as tx:
        expired = await tx.values(sql.expired_requests, UUID, now=ctx.now, limit=ROUND_MAX)
        jobs = await tx.values(sql.jobs_of_requests, UUID, ids=expired)
        # Pictures go first: after a crash in between the rows are still there and say what remains to be deleted.
        await ctx.services.objects.delete([job_key(str(job)) for job in jobs])
        await tx.run(sql.delete_requests, ids=expired)
    return len(expired)
