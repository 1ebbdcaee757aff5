"""What teams have done, counted as their workers do it (contract/lifecycle.md, section 17)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.db.queries import load
from horde.units import Kudos

sql = load(__package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one of its workers did for a team."""

    team_id: UUID
    jobs: int = 0
    things: int = 0
    earned: Kudos = Kudos(0)
    """What the worker's owner was credited with."""
    uptime_s: float = 0


async def count(tx: Tx, shares: Sequence[Share]) -> None:
    """Count for teams, as far as they still exist. Locks teams: after workers, before accounts."""
    of_team: defaultdict[UUID, list[Share]] = defaultdict(list)
    for share in shares:
        of_team[share.team_id].append(share)
    if not of_team:
        return
    rows = [
        {
            "id": team_id,
            "jobs": sum(share.jobs for share in done),
            "things": sum(share.things for share in done),
            "earned_mk": sum(share.earned for share in done),
            "uptime_s": sum(share.uptime_s for share in done),
        }
        for team_id, done in of_team.items()
    ]
    await tx.run(sql.count, ids=list(of_team), shares=rows)
