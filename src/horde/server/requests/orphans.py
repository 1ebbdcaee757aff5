"""Pictures that nobody owns: left by a crash before a job was ended or a request was accepted, or never handed in."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from horde.server.context import Context
from horde.server.requests import sql
from horde.server.storage.objects import owner_of

AGE_MIN = timedelta(days=1)
"""Younger ones may still be handed in: a link to upload lasts half an hour, a lease some minutes."""


async def delete_orphans(ctx: Context) -> int:
    """Delete the old pictures of jobs and requests that are forgotten or never were; returns how many."""
    deleted = await ctx.services.objects.delete_half_written(ctx.now - AGE_MIN)
    async for keys in ctx.services.objects.older_than(ctx.now - AGE_MIN):
        owners = {key: UUID(owner_of(key)) for key in keys}
        async with ctx.database.statement() as tx:
            known = set(await tx.values(sql.known_owners, UUID, ids=list(set(owners.values()))))
        orphans = [key for key, owner in owners.items() if owner not in known]
        await ctx.services.objects.delete(orphans)
        deleted += len(orphans)
    return deleted
