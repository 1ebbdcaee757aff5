"""Whether the books are right: every figure of the ledger is worked out again from what was posted.

Reads only, in one snapshot, so the horde may go on meanwhile. The database does the sums, in one pass over the postings
for each check; at most one row of each comes here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from horde.server.db.pool import Database, Tx
from horde.server.db.queries import Query
from horde.server.ledger.accounts import sql
from horde.units import kudos_in_words

PATIENCE_S = 6 * 3600
"""A ledger of years takes a while, and nobody waits behind it."""
BEFORE_FLOORS = "before the ledger had events"
"""The note of events that are older than floors (0004_economy.py): accounts could be lower then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that must hold of the whole ledger."""

    query: Query
    """Gives at most one row of what does not hold, the first by event: a `_Finding`."""
    words: str
    """Says it of an event, with `{account}`, `{figure}`, `{expected}` and `{found}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """The first event that does not add up."""

    seq: int | None
    """None: an account without any event."""
    id: UUID | None
    """None, as `kind` and `at`: the event itself is missing."""
    kind: str | None
    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """How much was looked at, and what it came to in milli-kudos: minted = burnt + spendable + held + in escrow."""

    events: int
    postings: int
    accounts: int
    minted_mk: int
    burnt_mk: int
    spendable_mk: int
    held_mk: int
    escrow_mk: int

    @property
    def in_accounts_mk(self) -> int:
        """What all users have together."""
        return self.spendable_mk + self.held_mk + self.escrow_mk


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    seq: int | None
    account: str | None
    figure: str | None
    expected_mk: int
    found_mk: int


EVENTS = (
    Check(query=sql.without_event, words="{account} has a posting of it, but the event is missing"),
    Check(query=sql.without_account, words="it moved {found} in {account}, which is missing"),
    Check(query=sql.without_postings, words="it has no postings"),
    Check(query=sql.unbalanced, words="its postings sum to {found} instead of {expected}"),
    Check(
        query=sql.broken_chain,
        words="after it {account} should have {expected} {figure}, by the posting before it, and has {found}",
    ),
    Check(query=sql.overdrawn, words="after it {account} has {found} {figure}, and may not have less than {expected}"),
)
"""What must hold of each event; the cause before what it brings about."""
ACCOUNTS = (
    Check(
        query=sql.stray_balance,
        words="it is the last of {account}, whose postings sum to {expected} {figure}; the account says {found}",
    ),
    Check(
        query=sql.stray_total,
        words="it is the last that counts for {account} as {figure}, which sums to {expected}; its total says {found}",
    ),
)
"""What must hold of each account, by its last event: looked at when all events add up. Where an event was taken away,
the account's last one is innocent."""


async def verify(database: Database, more: Sequence[Check] = ()) -> Sums | Flaw:
    """Check the whole ledger as it is at one moment, and what `more` there is to check of accounts.

    Raises Overloaded without a database.
    """
    async with database.snapshot(patience_s=PATIENCE_S) as tx:
        for checks in (EVENTS, (*ACCOUNTS, *more)):
            found = [(check, finding) for check in checks if (finding := await _finding(tx, check))]
            if found:
                # Of several flaws of one event the first check's is told: `min` keeps the order.
                return await _flaw(tx, *min(found, key=_place))
        sums = await tx.maybe(sql.sums, Sums)
        assert sums is not None, "sums of nothing are a row too"
        return sums


def _place(found: tuple[Check, _Finding]) -> float:
    _, finding = found
    return math.inf if finding.seq is None else finding.seq


async def _finding(tx: Tx, check: Check) -> _Finding | None:
    arguments = {"before_floors": BEFORE_FLOORS} if check.query.parameters else {}
    return await tx.maybe(check.query, _Finding, **arguments)


async def _flaw(tx: Tx, check: Check, finding: _Finding) -> Flaw:
    event = await tx.maybe(sql.event_at, dict, seq=finding.seq) or {"id": None, "kind": None, "at": None}
    reason = check.words.format(
        account=finding.account,
        figure=finding.figure,
        expected=kudos_in_words(finding.expected_mk),
        found=kudos_in_words(finding.found_mk),
    )
    return Flaw(seq=finding.seq, reason=reason, **event)
