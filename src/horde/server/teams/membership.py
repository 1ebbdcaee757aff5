"""Which team a worker is in. Source: contract/api-v2.md, section 7.2."""

from __future__ import annotations

from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.teams.read import team_by_id
from horde.server.workers.roster import sql as workers


async def join(tx: Tx, worker_id: UUID, team_id: str) -> None:
    """Put a worker into a team, out of any other. Locks the worker. Raises TeamNotFound."""
    team = await team_by_id(tx, team_id)
    await tx.run(workers.set_team, ids=[worker_id], team_id=team.id)


async def leave(tx: Tx, worker_id: UUID) -> None:
    """Take a worker out of its team. Locks the worker."""
    await tx.run(workers.set_team, ids=[worker_id], team_id=None)
