"""The book: accounts that a transaction has locked, and the events that it enters. Nothing else writes balances.

Events are composed in memory, one after the other, and written by one statement at the end; so what an event decides on
is what the events before it left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from horde.server.db.pool import Tx
from horde.server.ledger.accounts import Account, sql
from horde.units import Kudos

EventKind = Literal[
    "opening", "ask", "job", "return", "uptime", "promotion", "gift", "award", "admin", "monthly", "style"
]
Total = Literal["gifted", "donated", "received", "admin", "recurring", "awarded", "styled"]
"""What is summed up for every account, to be shown (contract/kudos.md, section 8)."""
MINT, BURN = "mint", "burn"
"""The accounts of the system: new kudos come out of the one, those that end go into the other."""


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """What an event moves in the pockets of one user's account, in milli-kudos; negative takes away."""

    user_id: int
    spendable: int = 0
    held: int = 0
    escrow: int = 0
    total: Total | None = None
    """Where the account counts it, if it does."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened; its `id` can be entered once, ever."""

    id: UUID
    kind: EventKind
    moves: Sequence[Move] = ()
    request_id: UUID | None = None
    job_id: UUID | None = None
    worker_id: UUID | None = None
    note: str | None = None


class Book:
    """Some users' accounts, locked until the transaction ends, with what was entered since."""

    def __init__(self, tx: Tx, accounts: Mapping[int, Account]) -> None:
        self._tx = tx
        self._accounts = accounts
        self._events: list[dict[str, object]] = []
        self._postings: list[dict[str, object]] = []
        self._totals: defaultdict[tuple[int, str], int] = defaultdict(int)

    @classmethod
    async def open(cls, tx: Tx, user_ids: Iterable[int]) -> Book:
        """Lock the accounts of these users, in the order of account ids: then nobody waits for each other in a ring.

        Once in a transaction, after all other locks.
        """
        accounts = await tx.all(sql.lock_accounts, Account, user_ids=sorted(set(user_ids)))
        return cls(tx, {account.user_id: account for account in accounts})

    def account(self, user_id: int) -> Account:
        """As it is after what was entered. Raises KeyError for a user that the book was not opened for."""
        return self._accounts[user_id]

    def enter(self, event: Event) -> None:
        """Enter an event. An account that falls below its floor is lifted to it.

        What the moves give more than they take is minted, and the other way round burnt; so is what lifts. Moves of
        the same account are one posting. Nothing is written for an event that moves nothing.
        """
        by_user: defaultdict[int, list[Move]] = defaultdict(list)
        for move in event.moves:
            by_user[move.user_id].append(move)
        postings = [posting for moves in by_user.values() if (posting := self._moved(moves))]
        if not postings:
            return
        lifted = sum(posting.lifted for posting in postings)
        surplus = sum(posting.amount for posting in postings) - lifted
        if minted := lifted + max(surplus, 0):
            postings.append(_Posting(system_name=MINT, spendable=-minted))
        if surplus < 0:
            postings.append(_Posting(system_name=BURN, spendable=-surplus))
        self._events.append(
            {
                "place": len(self._events),
                "id": event.id,
                "kind": event.kind,
                "request_id": event.request_id,
                "job_id": event.job_id,
                "worker_id": event.worker_id,
                "note": event.note,
            }
        )
        self._postings += [posting.row(event.id) for posting in postings]

    def _moved(self, moves: Sequence[Move]) -> _Posting | None:
        account = self._accounts[moves[0].user_id]
        spendable, held = sum(move.spendable for move in moves), sum(move.held for move in moves)
        escrow = sum(move.escrow for move in moves)
        lifted = max(account.floor_mk - (account.spendable_mk + spendable), 0)
        if not (spendable or held or escrow or lifted):
            return None
        account.spendable_mk += spendable + lifted
        account.held_mk += held
        account.escrow_mk += escrow
        for move in moves:
            if move.total:
                self._totals[account.id, move.total] += move.spendable + move.escrow
        return _Posting(
            account=account, after=(account.spendable_mk, account.held_mk, account.escrow_mk),
            spendable=spendable + lifted, held=held, escrow=escrow, lifted=lifted,
        )  # fmt: skip

    async def post(self, now: datetime) -> None:
        """Write what was entered; the last thing in the transaction. Each event's postings sum to zero.

        Raises asyncpg.UniqueViolationError for an event that was entered before, ever; the transaction then ends in
        Overloaded (db/pool.py), and the next try finds what was done.
        """
        if not self._events:
            return
        totals = [
            {"account_id": account_id, "name": name, "amount_mk": amount}
            for (account_id, name), amount in sorted(self._totals.items())
        ]
        await self._tx.run(sql.post, events=self._events, postings=self._postings, totals=totals, now=now)
        self._events, self._postings = [], []
        self._totals.clear()


class _Posting(msgspec.Struct, frozen=True, kw_only=True):
    """What an event moved in one account."""

    account: Account | None = None
    """None: the one of the system with this name."""
    system_name: str | None = None
    spendable: int
    held: int = 0
    escrow: int = 0
    lifted: int = 0
    after: tuple[int, int, int] | None = None

    @property
    def amount(self) -> Kudos:
        return Kudos(self.spendable + self.held + self.escrow)

    def row(self, event_id: UUID) -> dict[str, object]:
        spendable_after, held_after, escrow_after = self.after or (None, None, None)
        return {
            "event_id": event_id,
            "account_id": self.account.id if self.account else None,
            "system_name": self.system_name,
            "spendable_mk": self.spendable,
            "held_mk": self.held,
            "escrow_mk": self.escrow,
            "lifted_mk": self.lifted,
            "spendable_after_mk": spendable_after,
            "held_after_mk": held_after,
            "escrow_after_mk": escrow_after,
        }
