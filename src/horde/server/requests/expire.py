"""What time does to requests: lost leases go back to the queue, forgotten requests leave with their results."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog

from horde.errors import Overloaded
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.requests import sql
from horde.server.requests.giveback import Return, give_back, return_kudos
from horde.server.requests.sources import Sources, forget_sources
from horde.server.requests.tell import tell_of_request
from horde.server.storage.objects import job_key, source_key
from horde.units import Kudos

SOON = timedelta(minutes=1)
"""What expires within so long, or before the next round, expires soon."""
log = structlog.get_logger(__name__)

ROUND_MAX = 500
"""How much one round takes on, so that a round is short and other duties have their turn; the next follows at once."""


@dataclass(frozen=True, slots=True)
class _LateJob:
    id: UUID
    request_id: UUID


@dataclass(frozen=True, slots=True)
class _Expired:
    id: UUID
    asked_id: UUID
    """Under which its requestor knows it: the group that it is part of, if it is."""
    user_id: int
    kind: str
    held_mk: int
    sources: dict[str, object] | None
    webhook_of_unmade: dict[str, object] | None
    """Where its requestor wants to be told something, and not all of it was made."""


async def return_late_jobs(ctx: Context) -> int:
    """Give back jobs past their deadline; returns how many.

    One that cannot be given back is logged and tried again in the next round; it does not hold up the others. It is not
    counted, so that a round in which nothing else is left is not a full one. Raises Overloaded when the database is
    away.
    """
    async with ctx.database.statement() as tx:
        late = await tx.all(sql.late_jobs, _LateJob, now=ctx.now, limit=ROUND_MAX)
    returned = 0
    for job in late:
        try:
            async with ctx.database.transaction() as tx:
                returned += await give_back(tx, ctx, job.request_id, [job.id], "lost")
        except Overloaded:
            # The job is held by somebody, or the database is away: then there is nothing to be had with the others.
            await ctx.database.reach()
            log.warning("late_job.held", job=str(job.id))
        except Exception:  # whatever is wrong with one job, the others are given back
            log.exception("late_job.stuck", job=str(job.id), request=str(job.request_id))
    return returned


async def forget_expired(ctx: Context) -> int:
    """Delete requests past their expiry, with their results, and return what was held for them; returns how many."""
    await keep_parts(ctx)
    async with ctx.database.transaction() as tx:
        requests = await tx.all(sql.expired_requests, _Expired, now=ctx.now, limit=ROUND_MAX)
        expired = [request.id for request in requests]
        with_files = [request.id for request in requests if KINDS[request.kind].may_leave_files]
        jobs = await tx.values(sql.jobs_of_requests, UUID, ids=with_files)
        # Pictures go first: after a crash in between the rows are still there and say what remains to be deleted.
        await ctx.services.objects.delete([job_key(str(job)) for job in jobs])
        with_sources = [(request.id, request.sources) for request in requests if request.sources]
        await forget_sources(ctx, [(owner, msgspec.convert(stored, Sources)) for owner, stored in with_sources])
        await tx.run(sql.delete_requests, ids=expired)
        held = [Return(gone.asked_id, gone.user_id, Kudos(gone.held_mk)) for gone in requests if gone.held_mk]
        await return_kudos(tx, ctx, held, note="expired")
        for gone in requests:
            if gone.webhook_of_unmade:
                await tell_of_request(tx, ctx, "request.expired", gone.asked_id, gone.user_id, gone.webhook_of_unmade)
        await _forget_groups(tx, ctx)
    return len(expired)


async def keep_parts(ctx: Context) -> int:
    """Let requests of a group that will soon expire be kept as long as the last of the group; returns how many."""
    next_round = timedelta(seconds=2 * ctx.services.settings.duty_period_s)
    async with ctx.database.transaction() as tx:
        return len(await tx.values(sql.keep_parts, UUID, before=ctx.now + SOON + next_round, limit=ROUND_MAX))


@dataclass(frozen=True, slots=True)
class _Over:
    id: UUID
    has_picture: bool


async def _forget_groups(tx: Tx, ctx: Context) -> None:
    groups = await tx.all(sql.over_groups, _Over, now=ctx.now, limit=ROUND_MAX)
    await ctx.services.objects.delete([source_key(str(group.id)) for group in groups if group.has_picture])
    await tx.run(sql.delete_groups, ids=[group.id for group in groups])
