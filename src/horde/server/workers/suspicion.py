"""What speaks against a worker: enough of it pauses the worker. Source: contract/lifecycle.md, section 13.

Workers of trusted accounts are not paused for it; those of the anonymous one, which is many people, are not suspected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import structlog

from horde.server.accounts.trust import suspect, suspect_once
from horde.server.accounts.users import ANONYMOUS_ID, SUSPICIOUS_FROM
from horde.server.db.pool import Tx
from horde.server.workers.roster import sql

log = structlog.get_logger(__name__)

Reason = Literal["long name", "extreme name", "extreme size", "aborted jobs", "too fast"]
COUNT_EACH_TIME: frozenset[Reason] = frozenset({"aborted jobs", "too fast"})
"""All others count once for each worker and once for each account."""
NAME_LONG, NAME_EXTREME = 100, 200
SIZES_BELIEVED = {"pixels": 3072 * 3072}
"""What no worker's card can do more of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Something speaks against a worker."""

    worker_id: UUID
    owner_id: int
    reason: Reason


def reasons_in_offer(name: str, sizes: dict[str, int]) -> list[Reason]:
    """What speaks against a worker in what it says of itself. `name` as it said it, not as it is kept."""
    found: list[Reason] = []
    if len(name) > NAME_LONG:
        found.append("long name")
    if len(name) > NAME_EXTREME:
        found.append("extreme name")
    if any(sizes.get(size, 0) > believed for size, believed in SIZES_BELIEVED.items()):
        found.append("extreme size")
    return found


async def suspect_workers(tx: Tx, suspects: Sequence[Suspect]) -> None:
    """Hold these reasons against workers and their owners; pause those with points enough whose owner is not trusted.

    The workers must be locked; locks their owners, in order.
    """
    against = sorted(
        {(one.worker_id, one.owner_id, one.reason) for one in suspects if one.owner_id != ANONYMOUS_ID},
        key=lambda one: (one[1], one[0], one[2]),
    )
    if not against:
        return
    paused = await tx.values(
        sql.suspect_workers,
        str,
        reasons=[{"worker_id": worker_id, "reason": reason} for worker_id, _, reason in against],
        each_time=sorted(COUNT_EACH_TIME),
        suspicious_from=SUSPICIOUS_FROM,
    )
    for name in paused:
        log.warning("worker.paused", worker=name)
    for _, owner_id, reason in against:
        if reason in COUNT_EACH_TIME:
            await suspect(tx, [owner_id])
        else:
            await suspect_once(tx, owner_id, reason)
