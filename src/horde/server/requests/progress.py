"""How far jobs are while they are made: workers tell it, requestors look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.errors import RequestNotFound
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests import sql
from horde.server.requests.deliver import job_of
from horde.server.requests.read import request_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a worker says of a job."""

    share: float
    """How much is made, from 0 to 1."""
    text: str | None = None
    """The text so far, whole."""
    preview: bytes | None = None
    """The picture so far, a small webp."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """One job that is worked on."""

    id: UUID
    worker_name: str
    leased_at: datetime
    share: float
    text: str | None
    preview: bytes | None


async def tell_progress(ctx: Context, owner: User, job_id: str, told: Told) -> bool:
    """Write down how far a job is; whether its result is still wanted.

    Safe to call twice and late. Raises InvalidJobID, WrongCredentials.
    """
    job = await job_of(ctx, owner, job_id, None)
    if job.state != "leased":
        return False
    async with ctx.database.statement() as tx:
        written = await tx.values(
            sql.tell_progress,
            UUID,
            job_id=job.id,
            owner_id=owner.id,
            share=told.share,
            text=told.text,
            preview=told.preview,
            now=ctx.now,
        )
    return bool(written)


async def progress_of(ctx: Context, request_id: str) -> Sequence[JobProgress]:
    """The jobs of a request, of any kind, that are worked on now. Raises RequestNotFound."""
    key = request_id_of(request_id)
    async with ctx.database.statement() as tx:
        found = await tx.all(sql.progress_of_jobs, JobProgress, id=key)
    if found:
        return found
    async with ctx.database.statement() as tx:
        if not await tx.value(sql.is_asked, bool, id=key):
            raise RequestNotFound(f"Request with ID '{request_id[:80]}' not found.")
    return []
