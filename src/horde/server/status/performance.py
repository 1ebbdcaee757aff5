"""The horde in a few numbers, out of what this process remembers. No history is read for it."""

from __future__ import annotations

from dataclasses import dataclass

from horde.server.context import Context
from horde.server.requests.survey import survey
from horde.server.workers.done import done_lately
from horde.server.workers.online import online


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What waits of one kind, who serves it, and what was done of it."""

    jobs_waiting: int
    """Without those that are being made: they wait no more."""
    things_waiting: int
    workers: int
    threads: int
    things_in_past_minute: int


async def performance(ctx: Context, kind: str) -> Performance:
    """How one kind is doing; all zeros for a kind that this horde does not know."""
    queue = await survey(ctx)
    workers = (await online(ctx)).workers(kind)
    return Performance(
        jobs_waiting=queue.jobs(kind),
        things_waiting=sum(lane.things for lane in queue.counts(kind)),
        workers=len(workers),
        threads=sum(worker.threads for worker in workers),
        things_in_past_minute=(await done_lately(ctx)).in_past_minute(kind),
    )
