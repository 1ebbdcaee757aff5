"""Who is served first.

Every waiting request gains 50 kudos of priority each 10 s. As all age alike, the order between two of them never
changes, so it is one number fixed at the start: whole kudos minus 50 for every 10 s of its birth.
Source: contract/lifecycle.md, section 3.

Among requests of equal priority the reference takes the older one first, so that a hundred requests of one account
stand before the first of another. Here they take turns: an account's n-th waiting request comes after everybody's
requests that are less than the n-th of theirs. Why so: docs/decisions/turns-among-equals.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from horde.server.ledger.accounts import FLOOR_ANONYMOUS
from horde.units import KUDOS_SCALE, Kudos

AGEING = 50
AGEING_PERIOD = timedelta(seconds=10)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Where the count starts; near the present, so that the numbers stay short."""
FLAGGED_FROM, FLAGGED_DIVISOR, FLAGGED_PRIORITY = 10, 1000, -100
"""With more than so many whole kudos a flagged account counts as having a thousandth, otherwise as having the last."""
TURNS = 512
"""Turns are told apart up to here: more than any account may have waiting."""


def priority(balance: Kudos, created_at: datetime, *, is_flagged: bool = False) -> int:
    """Whole kudos less what all others have aged since the start of the count; higher goes first.

    `is_flagged`: the account's kudos count for next to nothing, or less.
    """
    counted = round(max(balance, FLOOR_ANONYMOUS) / KUDOS_SCALE)
    if is_flagged:
        counted = round(counted / FLAGGED_DIVISOR) if counted > FLAGGED_FROM else FLAGGED_PRIORITY
    return counted - AGEING * ((created_at - EPOCH) // AGEING_PERIOD)


def rank(priority: int, turn: int) -> int:
    """The place in the queue as one number: higher goes first, equal ones by age.

    `turn` counts the account's requests that wait already; 0 is its first.
    """
    return priority * TURNS - min(turn, TURNS - 1)
