"""What a request costs its requestor: found out when it is asked for, and held when it is accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from horde.errors import KudosUpfront
from horde.kinds import KINDS
from horde.kinds.base import ChargeTerms, Draft, Heavy, Needs
from horde.server.accounts.users import User
from horde.server.ledger.book import Book
from horde.units import Kudos, kudos_on_the_wire

P = TypeVar("P", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a request costs, and what for."""

    price: Kudos
    """What one job is worth, before it is known which model makes it."""
    terms: ChargeTerms
    charge_max: Kudos
    """For one job, whichever of its models makes it."""
    jobs: int
    tax: Kudos
    upfront: Kudos
    """What must be there where the request is heavy."""
    heavy: Heavy | None = None

    @property
    def hold(self) -> Kudos:
        """What is held for all its jobs, where there is so much."""
        return Kudos(self.charge_max * self.jobs)


def cost_of(
    draft: Draft[P],
    needs: Needs,
    heavy: Heavy | None,
    *,
    any_of: Collection[str] = (),
    has_foreign_style: bool = False,
) -> Cost:
    """What a draft with these needs costs; one that names no model may be made with `any_of` these."""
    kind = KINDS[draft.kind]
    price, terms = kind.price(draft), kind.charge_terms(draft)
    worth_most = max(kind.worth(price, model, needs) for model in draft.models or any_of or (kind.any_model,))
    charge_max, tax = terms.of(worth_most), kind.tax(draft, has_foreign_style=has_foreign_style)
    return Cost(
        price=price,
        terms=terms,
        charge_max=charge_max,
        jobs=draft.n,
        tax=tax,
        upfront=kind.upfront(draft) if kind.upfront else Kudos(tax + charge_max * draft.n),
        heavy=heavy,
    )


class Purses:
    """What requestors have for requests that are accepted together, each after the other."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._spent: Counter[int] = Counter()

    def hold(self, user: User, cost: Cost) -> Kudos:
        """What is held for a request of this cost: as much of what is wanted as there is beside the tax.

        Raises KudosUpfront where it is heavy and its requestor has too little.
        """
        available = self._book.account(user.id).available - self._spent[user.id]
        check_upfront(cost, Kudos(max(available, 0)))
        held = Kudos(min(cost.hold, max(available - cost.tax, 0)))
        self._spent[user.id] += cost.tax + held
        return held


def check_upfront(cost: Cost, available: Kudos) -> None:
    """Raises KudosUpfront where a heavy request's requestor has too little."""
    if cost.heavy is None or available >= cost.upfront:
        return
    needed = kudos_on_the_wire(cost.upfront)
    raise KudosUpfront(
        f"{cost.heavy.reason} Such a request needs {needed:.2f} kudos upfront, and"
        f" {kudos_on_the_wire(available):.2f} are there.",
        hint="set `allow_downgrade` to have it made smaller." if cost.heavy.may_downgrade else "ask for fewer results.",
    )
