"""Whether this server can do its work."""

from __future__ import annotations

from dataclasses import dataclass

from horde.errors import Overloaded
from horde.server.context import Context
from horde.server.requests.read import queue_length
from horde.server.workers.roster import online_workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A look at the server from within."""

    has_database: bool
    queue: int
    """Image jobs that wait."""
    threads: int
    workers: int


async def heartbeat(ctx: Context) -> Heartbeat:
    """Never raises for a lost database: that is what it tells."""
    try:
        async with ctx.database.transaction() as tx:
            queue = await queue_length(tx, "image")
            workers = await online_workers(tx, now=ctx.now)
    except Overloaded:
        return Heartbeat(has_database=False, queue=0, threads=0, workers=0)
    return Heartbeat(
        has_database=True, queue=queue, threads=sum(worker.threads for worker in workers), workers=len(workers)
    )
