"""What only moderators are told of workers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from horde.server.context import Context
from horde.server.workers.roster import Worker, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidential:
    """Who is behind a worker, and what speaks against it."""

    worker_id: UUID
    owner: str
    """`name#id`."""
    contact: str | None
    address: str
    """Where it came from last: a public address, of IPv6 the /64 around it; empty where it is not known."""
    points: int


async def confidential(ctx: Context, workers: Collection[Worker]) -> dict[UUID, Confidential]:
    """Of those of these workers that there still are."""
    if not workers:
        return {}
    async with ctx.database.statement() as tx:
        found = await tx.all(sql.confidential, Confidential, ids=[worker.id for worker in workers])
    return {one.worker_id: one for one in found}
