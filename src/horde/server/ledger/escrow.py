"""What is kept back until its owner is trusted, and then set free."""

from __future__ import annotations

import uuid
from datetime import datetime

from horde.server.db.pool import Tx
from horde.server.ledger.book import Book, Event, Move


async def release(tx: Tx, user_id: int, now: datetime) -> None:
    """Let an account spend what it has in escrow; nothing where there is nothing. Locks the account."""
    book = await Book.open(tx, [user_id])
    enter_release(book, user_id)
    await book.post(now)


def enter_release(book: Book, user_id: int) -> None:
    """The same in a book that is open."""
    kept_back = book.account(user_id).escrow_mk
    move = Move(user_id=user_id, spendable=kept_back, escrow=-kept_back)
    book.enter(Event(id=uuid.uuid4(), kind="promotion", moves=[move]))
