"""Reading workers, for the edge."""

from __future__ import annotations

from uuid import UUID

from horde.errors import WorkerNotFound
from horde.kinds.base import Needs
from horde.server.context import Context
from horde.server.workers.roster import Worker, online_workers, somebody_can_serve, worker_by_id


async def workers_online(ctx: Context, *, kind: str | None = None, name: str | None = None) -> list[Worker]:
    """Everybody online, by name; only of a kind, or only of that name in any case (which wins)."""
    async with ctx.database.transaction() as tx:
        workers = await online_workers(tx, now=ctx.now)
    if name is not None:
        return [worker for worker in workers if worker.name.lower() == name.lower()]
    return [worker for worker in workers if kind in (None, worker.kind)]


async def worker(ctx: Context, worker_id: str) -> Worker:
    """A worker, online or not. Raises WorkerNotFound, also for what is no UUID."""
    try:
        key = UUID(worker_id)
    except ValueError:
        key = None
    async with ctx.database.transaction() as tx:
        found = await worker_by_id(tx, key) if key else None
    if found is None:
        raise WorkerNotFound(f"Worker with ID {worker_id[:80]!r} not found.")
    return found


async def can_be_served(ctx: Context, needs: Needs, *, owner_id: int) -> bool:
    """Whether a worker that is online now would be given a request with these needs."""
    async with ctx.database.transaction() as tx:
        return somebody_can_serve(await online_workers(tx, now=ctx.now), needs, owner_id=owner_id)
