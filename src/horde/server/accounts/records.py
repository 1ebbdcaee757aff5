"""What accounts asked for and gave, counted as it happens (contract/kudos.md, section 8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from horde.server.accounts.users import sql
from horde.server.db.pool import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A job that one account asked for and another one's worker did."""

    requestor_id: int
    owner_id: int
    kind: str
    things: int


@dataclass(slots=True)
class _Counts:
    requests: int = 0
    used: float = 0
    fulfilled: int = 0
    contributed: float = 0


async def count_work(tx: Tx, jobs: Sequence[Work]) -> None:
    """Count delivered jobs for their requestors and for the owners of the workers. Locks records, before accounts."""
    counts: defaultdict[tuple[int, str], _Counts] = defaultdict(_Counts)
    for job in jobs:
        asked, gave = counts[job.requestor_id, job.kind], counts[job.owner_id, job.kind]
        asked.requests += 1
        asked.used += job.things
        gave.fulfilled += 1
        gave.contributed += job.things
    # Sorted, so that two who count for the same accounts never wait for each other in a ring.
    rows = [
        {
            "user_id": user_id,
            "kind": kind,
            "requests": count.requests,
            "used": count.used,
            "fulfilled": count.fulfilled,
            "contributed": count.contributed,
        }
        for (user_id, kind), count in sorted(counts.items())
    ]
    await tx.run(sql.count_work, records=rows)


async def count_styled(tx: Tx, uses: Mapping[tuple[int, str], int]) -> None:
    """Count uses of accounts' styles by others: (account, kind) -> how many. Locks records, before accounts."""
    rows = [{"user_id": user_id, "kind": kind, "styled": styled} for (user_id, kind), styled in sorted(uses.items())]
    await tx.run(sql.count_styled, records=rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What an account asked for and gave of one kind, in the kind's own things."""

    user_id: int
    kind: str
    requests: int
    used: float
    fulfilled: int
    contributed: float
    styled: int


async def records_of(tx: Tx, user_ids: Iterable[int]) -> dict[int, list[Record]]:
    """The records of accounts, one for each kind that there is something of."""
    found: defaultdict[int, list[Record]] = defaultdict(list)
    for record in await tx.all(sql.records_of, Record, users=sorted(set(user_ids))):
        found[record.user_id].append(record)
    return found
