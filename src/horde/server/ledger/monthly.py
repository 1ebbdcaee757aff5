"""Kudos that come each month on the same day: what an admin set for an account, and what moderators get.

Each month is an event of its own, whose id follows from the account and the day it was due, so it is paid once. Months
that passed while no server ran are paid afterwards: they were promised. Source: contract/kudos.md, section 7.
"""

from __future__ import annotations

import calendar
import uuid
from datetime import datetime
from uuid import UUID

from horde.errors import UserNotFound
from horde.server.accounts import monthly as accounts
from horde.server.accounts.monthly import Monthly
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.ledger.book import Book, Event, Move
from horde.units import Kudos

ROUND_MAX = 500
"""Accounts of one round: each is a transaction of its own."""
MONTHS_MAX = 12
"""Of one account in one round; what is left comes with the next."""
EVENTS = UUID("5f0d8f9e-8a1f-4c3b-9a53-3d1f0d1c7f10")
"""The namespace of the ids of these events."""


async def pay_monthly(ctx: Context) -> int:
    """Pay all monthly kudos that are due; returns how many months. Safe on several nodes at once.

    Who gets monthly kudos and was never paid, a new moderator, is paid now, and the clock starts.
    """
    async with ctx.database.transaction() as tx:
        await accounts.stop_idle_clocks(tx, now=ctx.now)
        found = await accounts.due(tx, now=ctx.now, limit=ROUND_MAX)
    paid = 0
    for user_id in found:
        async with ctx.database.transaction() as tx:
            paid += await _pay(tx, user_id, ctx.now)
    return paid


async def set_monthly(tx: Tx, user_id: int, amount: Kudos, now: datetime) -> None:
    """Set what an account gets each month beside what moderators get.

    What is more than before is paid at once; its day of the month is today's, unless the account got some already. The
    same amount again changes nothing. Locks the user, then the account. Raises UserNotFound.
    Source: contract/lifecycle.md, section 16.
    """
    known = await accounts.lock_monthly(tx, user_id)
    if known is None:
        raise UserNotFound
    if amount == known.monthly_mk:
        return
    await accounts.set_amount(tx, user_id, amount)
    if (more := Kudos(amount - known.monthly_mk)) > 0:
        if known.since is None:
            await accounts.set_clock(tx, user_id, since=now, due_at=months_after(now, 1))
        book = await Book.open(tx, {user_id})
        book.enter(_event(uuid.uuid4(), user_id, more))
        await book.post(now)


def months_after(start: datetime, months: int) -> datetime:
    """The same day and time so many months later; the month's last day, where it has no such day."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return start.replace(year=year, month=month + 1, day=day)


async def _pay(tx: Tx, user_id: int, now: datetime) -> int:
    known = await accounts.lock_monthly(tx, user_id)
    if known is None or not known.amount:
        return 0
    since = known.since or now
    dues, due_at = _dues(since, known.due_at or now, now)
    if not dues:
        return 0  # another node was here first
    await accounts.set_clock(tx, user_id, since=since, due_at=due_at)
    book = await Book.open(tx, {user_id})
    for due in dues:
        book.enter(_event(_id(known, due), user_id, known.amount))
    await book.post(now)
    return len(dues)


def _dues(since: datetime, due_at: datetime, now: datetime) -> tuple[list[datetime], datetime]:
    """What is due by now, and what next. Counted from the start: a short month must not pull later ones ahead."""
    dues: list[datetime] = []
    month = (due_at.year - since.year) * 12 + due_at.month - since.month
    while due_at <= now and len(dues) < MONTHS_MAX:
        dues.append(due_at)
        month += 1
        due_at = months_after(since, month)
    return dues, due_at


def _id(known: Monthly, due: datetime) -> UUID:
    return uuid.uuid5(EVENTS, f"{known.user_id} {due.isoformat()}")


def _event(event_id: UUID, user_id: int, amount: Kudos) -> Event:
    return Event(id=event_id, kind="monthly", moves=[Move(user_id=user_id, spendable=amount, total="recurring")])
