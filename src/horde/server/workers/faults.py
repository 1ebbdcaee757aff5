"""What workers say of jobs that they give back: as it is kept, and for the owner of a worker."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.errors import NotOwner
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.moderation.harmless import harmless
from horde.server.workers.read import worker
from horde.server.workers.roster import sql

FAULTS_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A job that a worker gave back with a word."""

    job_id: UUID
    model: str
    """The form, of alchemy."""
    reason: str
    ended_at: datetime


def kept_reason(said: str) -> str | None:
    """What a worker said, in one line, harmless in a page and in a terminal; None: nothing that can be read."""
    # All that is no letter steers something, e.g. colours, the cursor, or the direction in which one reads.
    shown = "".join(" " if unicodedata.category(letter).startswith("C") else letter for letter in said)
    return harmless(" ".join(shown.split())) or None


async def faults_of(ctx: Context, caller: User, worker_id: str) -> list[Fault]:
    """The latest faults of a worker with their reasons, the newest first, for its owner and moderators.

    They are kept as long as the requests that they belong to. Raises WorkerNotFound, NotOwner.
    """
    found = await worker(ctx, worker_id)
    if caller.is_anonymous or (caller.id != found.user_id and not caller.is_moderator):
        raise NotOwner(f"The worker {found.name!r} belongs to another account.")
    async with ctx.database.statement() as tx:
        return await tx.all(sql.faults_of_worker, Fault, worker_id=found.id, limit=FAULTS_SHOWN_MAX)
