"""Delete a worker: its name is free again, and what it did stays where it is counted."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from horde.errors import AnonForbiddenWorker, NotModerator, WorkerNotFound
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.workers.online import online
from horde.server.workers.read import worker
from horde.server.workers.roster import Worker, sql, worker_by_id


async def remove(ctx: Context, caller: User, worker_id: str) -> Worker:
    """Delete a worker for its owner or for a moderator; returns it as it was. A second call does not find it.

    Jobs that it has may still be delivered, and are paid. A program that goes on asking for jobs under the name makes a
    new worker, whose past is empty. Raises WorkerNotFound, AnonForbiddenWorker, NotModerator.
    """
    found = await worker(ctx, worker_id)
    if caller.is_anonymous:
        raise AnonForbiddenWorker("The anonymous account may not delete workers: it is everybody's.")
    if not (caller.is_moderator or caller.id == found.user_id):
        raise NotModerator(f"Only its owner and moderators may delete the worker {found.name!r}.")
    async with ctx.database.transaction() as tx:
        await tx.values(sql.lock_workers, UUID, ids=[found.id])
        still_there = await worker_by_id(tx, found.id)
        if still_there:
            await tx.run(sql.delete_worker, id=found.id, now=ctx.now)
    (await online(ctx)).forget(replace(found, is_deleted=True))
    if still_there is None:
        raise WorkerNotFound(f"Worker with ID {worker_id!r} not found.")  # another call was faster
    return still_there
