"""Reading balances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from horde.server.db.pool import Tx
from horde.server.ledger.accounts import above_floor, sql
from horde.server.ledger.book import Total
from horde.units import Kudos


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What a user's account holds, in milli-kudos, exact at the last commit."""

    spendable_mk: int
    held_mk: int
    escrow_mk: int
    floor_mk: int
    totals: dict[Total, int]
    """What the rarer events moved, by name."""

    @classmethod
    def of_row(cls, *, totals: object, **columns: int) -> Balance:
        """As the query `balances` has it."""
        return cls(totals=msgspec.convert(totals, dict[Total, int]), **columns)

    @property
    def own(self) -> Kudos:
        """All but what is in escrow: what is held is still its owner's."""
        return Kudos(self.spendable_mk + self.held_mk)

    @property
    def available(self) -> Kudos:
        """What can be given away or held."""
        return above_floor(self.spendable_mk, self.floor_mk)

    @property
    def accumulated(self) -> Kudos:
        """Earned less spent: what is neither in a total nor given at the opening."""
        return Kudos(self.own - sum(self.totals.values()))


NOTHING = Balance(spendable_mk=0, held_mk=0, escrow_mk=0, floor_mk=0, totals={})
"""What who has no account has."""


async def balance(tx: Tx, user_id: int) -> Balance:
    """What a user has; nothing for one without an account."""
    return (await balances(tx, [user_id])).get(user_id, NOTHING)


async def balances(tx: Tx, user_ids: Iterable[int]) -> dict[int, Balance]:
    """What several users have; those without an account are left out."""
    return dict(await tx.all(sql.balances, _of_user, users=sorted(set(user_ids))))


def _of_user(*, user_id: int, totals: object, **columns: int) -> tuple[int, Balance]:
    return user_id, Balance.of_row(totals=totals, **columns)
