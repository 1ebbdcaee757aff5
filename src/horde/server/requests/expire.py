"""What time does to requests: lost leases go back to the queue, forgotten requests leave with their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from horde.server.context import Context
from horde.server.requests import sql
from horde.server.requests.giveback import give_back
from horde.server.storage.objects import job_key

ROUND_MAX = 500
"""How much one round takes on, so that a round is short and another node can follow."""


@dataclass(frozen=True, slots=True)
class _LateJob:
    id: UUID
    request_id: UUID


async def return_late_jobs(ctx: Context) -> int:
    """Give back jobs past their deadline; returns how many."""
    async with ctx.database.statement() as tx:
        late = await tx.all(sql.late_jobs, _LateJob, now=ctx.now, limit=ROUND_MAX)
    returned = 0
    for job in late:
        async with ctx.database.transaction() as tx:
            returned += await give_back(tx, ctx, job.request_id, [job.id], "lost")
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
