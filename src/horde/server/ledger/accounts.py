"""The accounts of the ledger: what is in them, and how low they may fall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from horde.server.accounts.users import ANONYMOUS_ID
from horde.server.db.queries import load
from horde.units import Kudos, kudos

sql = load(__package__)

Pocket = Literal["spendable", "held", "escrow"]
"""What can be spent; what is held for accepted requests; what is kept back until its owner is trusted."""

FLOOR_ANONYMOUS, FLOOR_PSEUDONYMOUS, FLOOR_REGISTERED = kudos(-50), kudos(14), kudos(25)
"""An account is lifted to this when it falls below (contract/kudos.md, section 6)."""


def floor_of(user_id: int, *, is_pseudonymous: bool) -> Kudos:
    """How low what an account can spend may be."""
    if user_id == ANONYMOUS_ID:
        return FLOOR_ANONYMOUS
    return FLOOR_PSEUDONYMOUS if is_pseudonymous else FLOOR_REGISTERED


@dataclass(slots=True, kw_only=True)
class Account:
    """A user's account as a transaction that locked it sees it, in milli-kudos."""

    id: int
    user_id: int
    spendable_mk: int
    held_mk: int
    escrow_mk: int
    floor_mk: int

    @property
    def available(self) -> Kudos:
        """What can be given away: the floor itself cannot."""
        return Kudos(max(self.spendable_mk - self.floor_mk, 0))
