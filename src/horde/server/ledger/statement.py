"""What moved in one account, for its owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.ledger.accounts import sql
from horde.server.ledger.book import EventKind

NEWEST = 2**63 - 1
"""After every event there will be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an event moved in an account, in milli-kudos, and what that had then."""

    seq: int
    id: UUID
    kind: EventKind
    at: datetime
    request_id: UUID | None
    job_id: UUID | None
    worker_id: UUID | None
    note: str | None
    spendable_mk: int
    held_mk: int
    escrow_mk: int
    lifted_mk: int
    spendable_after_mk: int
    held_after_mk: int
    escrow_after_mk: int
    others: list[str]
    """By alias; of gifts alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which entries are wanted; None: any."""

    kind: EventKind | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Not from this moment on."""
    request_id: UUID | None = None
    before: int | None = None
    """Only what is older than the event of this place."""


async def entries(tx: Tx, user_id: int, search: Search, *, limit: int) -> list[Entry]:
    """The newest `limit` of a user's entries that are searched for, the newest first."""
    arguments = {
        "user_id": user_id,
        "kind": search.kind,
        "since": search.since,
        "until": search.until,
        "before": NEWEST if search.before is None else search.before,
        "limit": limit,
    }
    if search.request_id is None:
        return await tx.all(sql.statement, Entry, **arguments)
    return await tx.all(sql.statement_of_request, Entry, **arguments, request_id=search.request_id)
