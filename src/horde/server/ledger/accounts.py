"""The accounts of the ledger: what is in them, and how low they may fall.

An account has three pockets: what can be spent, what is held for accepted requests, and what is in escrow, kept back
until its owner is trusted.
"""

from __future__ import annotations

import msgspec

from horde.server.accounts.users import ANONYMOUS_ID
from horde.server.db.queries import load
from horde.units import Kudos, kudos

sql = load(__package__)

FLOOR_ANONYMOUS, FLOOR_PSEUDONYMOUS, FLOOR_REGISTERED = kudos(-50), kudos(14), kudos(25)
"""An account is lifted to this when it falls below (contract/kudos.md, section 6)."""


def floor_of(user_id: int, *, is_pseudonymous: bool) -> Kudos:
    """How low what an account can spend may be."""
    if user_id == ANONYMOUS_ID:
        return FLOOR_ANONYMOUS
    return FLOOR_PSEUDONYMOUS if is_pseudonymous else FLOOR_REGISTERED


def above_floor(spendable_mk: int, floor_mk: int) -> Kudos:
    """What can be given away or held: the floor itself cannot."""
    return Kudos(max(spendable_mk - floor_mk, 0))


class Account(msgspec.Struct, kw_only=True):
    """A user's account as a transaction that locked it sees it, in milli-kudos."""

    id: int
    user_id: int
    spendable_mk: int
    held_mk: int
    escrow_mk: int
    floor_mk: int

    @property
    def available(self) -> Kudos:
        """What can be given away or held."""
        return above_floor(self.spendable_mk, self.floor_mk)
