"""Whether all that concerns kudos fits together, in the ledger and beyond it."""

from __future__ import annotations

from horde.server.db.pool import Database
from horde.server.ledger.verify import Flaw, Sums, verify
from horde.server.requests.holds import HOLDS


async def verify_books(database: Database) -> Sums | Flaw:
    """Check the ledger, and that what accounts hold is held for requests. Raises Overloaded without a database."""
    return await verify(database, [HOLDS])
