"""Pictures that no job owns: left by a crash before the job was ended, or uploaded and never handed in."""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath
from uuid import UUID

from horde.server.context import Context
from horde.server.requests import sql

AGE_MIN = timedelta(days=1)
"""Younger ones may still be handed in: a link to upload lasts half an hour, a lease some minutes."""


async def delete_orphans(ctx: Context) -> int:
    """Delete the old pictures of jobs that are forgotten or never were; returns how many."""
    deleted = await ctx.services.objects.delete_half_written(ctx.now - AGE_MIN)
    async for keys in ctx.services.objects.older_than(ctx.now - AGE_MIN):
        owners = {UUID(PurePosixPath(key).stem): key for key in keys}
        async with ctx.database.statement() as tx:
            known = await tx.values(sql.known_jobs, UUID, ids=list(owners))
        orphans = [key for job_id, key in owners.items() if job_id not in set(known)]
        await ctx.services.objects.delete(orphans)
        deleted += len(orphans)
    return deleted
