"""Whether this server can do its work."""

from __future__ import annotations

from dataclasses import dataclass

from horde.errors import Overloaded
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.requests.survey import survey
from horde.server.workers.online import online


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A look at the server from within."""

    has_database: bool
    queue: int
    """Jobs that wait, of all kinds."""
    threads: int
    workers: int


async def heartbeat(ctx: Context) -> Heartbeat:
    """Never raises for a lost database: that is what it tells."""
    try:
        await ctx.database.reach()
        waiting = await survey(ctx)
        workers = (await online(ctx)).workers()
    except Overloaded:
        return Heartbeat(has_database=False, queue=0, threads=0, workers=0)
    return Heartbeat(
        has_database=True,
        queue=sum(waiting.jobs(kind) for kind in KINDS),
        threads=sum(worker.threads for worker in workers),
        workers=len(workers),
    )
