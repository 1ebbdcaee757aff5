"""Who is served first.

Every waiting request gains 50 kudos of priority in 10 s. As all age alike, the order between two of them never changes,
so it is one number fixed at the start: kudos minus 5 for every second of its birth.
Source: contract/lifecycle.md, section 3.
"""

from __future__ import annotations

from datetime import UTC, datetime

from horde.server.ledger.post import FLOOR_ANONYMOUS
from horde.units import KUDOS_SCALE, Kudos

AGEING_PER_S = 5.0
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""Where the count starts; near the present, so that the number keeps its small digits."""


def priority(balance: Kudos, created_at: datetime) -> float:
    """The place in the queue as a number: higher goes first."""
    kudos = max(balance, FLOOR_ANONYMOUS) / KUDOS_SCALE
    return kudos - AGEING_PER_S * (created_at - EPOCH).total_seconds()
