"""The whole ledger, event by event, for whoever wants to check it with tools of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

import msgspec

from horde.server.db.pool import Database
from horde.server.ledger.accounts import sql
from horde.server.ledger.verify import PATIENCE_S


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """What an event moved in one account, in milli-kudos, and what that had then."""

    account: str
    """`name#id`, or `mint` or `burn`, of which no balance is kept."""
    spendable_mk: int
    held_mk: int
    escrow_mk: int
    lifted_mk: int
    """The part of `spendable_mk` that was given to keep the account at its floor."""
    spendable_after_mk: int | None
    held_after_mk: int | None
    escrow_after_mk: int | None


class ExportedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event; the sum of all pockets over all its postings is zero."""

    seq: int
    id: UUID
    kind: str
    at: datetime
    request_id: UUID | None
    job_id: UUID | None
    worker_id: UUID | None
    note: str | None
    postings: list[Posting]


async def events(database: Database) -> AsyncIterator[ExportedEvent]:
    """Every event of one moment, in their order; a few of them are in memory at a time."""
    event: ExportedEvent | None = None
    async with database.snapshot(patience_s=PATIENCE_S) as tx:
        async for row in tx.stream(sql.everything, _of_row):
            if event is not None and event.seq == row.seq:
                event.postings.extend(row.postings)
                continue
            if event is not None:
                yield event
            event = row
    if event is not None:
        yield event


def _of_row(**columns: object) -> ExportedEvent:
    posting = {name: columns.pop(name) for name in Posting.__struct_fields__}
    return msgspec.convert({**columns, "postings": [posting]}, ExportedEvent)
