"""A user's own statement: what moved in the account, with the names that the ledger does not know."""

from __future__ import annotations

from dataclasses import dataclass

from horde.errors import AnonForbidden
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.balance import Balance, balance
from horde.server.ledger.explain import explanation
from horde.server.ledger.statement import Entry, Search, entries
from horde.server.workers.roster import names_of


@dataclass(frozen=True, slots=True)
class Line:
    """An entry, for people."""

    entry: Entry
    worker: str | None
    explanation: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A page of a statement, the newest first, and what the account holds at the same moment."""

    balance: Balance
    lines: list[Line]
    next_before: int | None
    """Where the next page begins, if there is one."""


async def statement(ctx: Context, user: User, search: Search, *, limit: int) -> Statement:
    """The account of a user who has shown the key. Raises AnonForbidden for the one that is everybody's."""
    if user.is_anonymous:
        raise AnonForbidden("The anonymous account is everybody's, so nobody gets a statement of it.")
    async with ctx.database.snapshot() as tx:
        held = await balance(tx, user.id)
        found = await entries(tx, user.id, search, limit=limit + 1)
        page = found[:limit]
        workers = await names_of(tx, {entry.worker_id for entry in page if entry.worker_id})
    lines = []
    for entry in page:
        worker = workers.get(entry.worker_id) if entry.worker_id else None
        lines.append(Line(entry, worker, explanation(entry, worker)))
    return Statement(held, lines, page[-1].seq if len(found) > limit else None)
