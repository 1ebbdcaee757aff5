"""What is held for requests, against what their requestors' accounts hold."""

from __future__ import annotations

from horde.server.ledger.verify import Check
from horde.server.requests import sql

HOLDS = Check(
    query=sql.stray_hold,
    words="it is the last of {account}, for whose requests {expected} are held; the account holds {found}",
)
"""What an account holds is held for requests that are there."""
