"""Kudos out of nothing, for a reason: accounts that open, and what admins give and take."""

from __future__ import annotations

import uuid
from datetime import datetime
from uuid import UUID

from horde.server.db.pool import Tx
from horde.server.ledger.accounts import floor_of, sql
from horde.server.ledger.book import Book, Event, Move
from horde.units import Kudos


async def open_account(tx: Tx, user_id: int, *, is_pseudonymous: bool, now: datetime) -> None:
    """Give a user an account that stands at its floor. Safe to call twice."""
    floor = floor_of(user_id, is_pseudonymous=is_pseudonymous)
    await tx.run(sql.open_account, user_id=user_id, floor_mk=floor, event_id=uuid.uuid4(), now=now)


async def grant(tx: Tx, event_id: UUID, user_id: int, amount: Kudos, *, now: datetime, note: str | None = None) -> None:
    """Give an account kudos, or take them where `amount` < 0, down to its floor.

    Raises asyncpg.UniqueViolationError for an event that was entered before.
    """
    book = await Book.open(tx, {user_id})
    taken = max(amount, -book.account(user_id).available)
    move = Move(user_id=user_id, spendable=taken, total="admin")
    book.enter(Event(id=event_id, kind="admin", moves=[move], note=note))
    await book.post(now)
