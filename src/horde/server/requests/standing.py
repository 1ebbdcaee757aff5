"""How requestors stand: what limits their next requests, and where these go in the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from horde.errors import TooManyPrompts
from horde.kinds.base import Needs, asked_by
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.matching.lanes import Lanes
from horde.server.matching.order import priority, rank
from horde.server.requests import sql
from horde.server.requests.orders import Order
from horde.units import Kudos


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for something of a kind, and what limits it."""

    user: User
    kind: str
    models: frozenset[str]
    """Only what is for the same models, or for any, stands in its way; empty: all does."""
    at_most: int
    """Jobs that may wait; beyond it is not counted."""


class Standing(msgspec.Struct):
    """What limits and places a requestor's next request."""

    place: int
    balance_mk: int
    available_mk: int
    jobs: int
    requests: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An order with its place in the queue."""

    order: Order
    needs: Needs
    rank: int


async def standings(ctx: Context, lanes: Lanes, askings: Sequence[Asking]) -> list[Standing]:
    """How each who asks stands; equal ones share one standing."""
    groups: dict[object, dict[str, object]] = {}
    keys = []
    for asking in askings:
        key = (asking.user.id, asking.kind, asking.models)
        keys.append(key)
        if key not in groups:
            groups[key] = {
                "place": len(groups),
                "user_id": asking.user.id,
                "kind": asking.kind,
                "lanes": lanes.sharing_models(asking.kind, asking.models) if asking.models else None,
                "at_most": asking.at_most,
            }
    async with ctx.database.statement() as tx:
        rows = await tx.all(sql.standing, Standing, groups=list(groups.values()))
    by_place = {row.place: row for row in rows}
    of_key = {key: by_place[place] for place, key in enumerate(groups)}
    return [of_key[key] for key in keys]


def too_many(there: int, new: int, limit: int) -> TooManyPrompts:
    """The refusal of what goes beyond a limit."""
    return TooManyPrompts(f"Parallel requests ({there} waiting and {new} new) are more than your limit of {limit}.")


def placed(ctx: Context, order: Order, standing: Standing) -> Entry:
    """Where the order goes; the requestor's next one comes after it."""
    # Nobody knows addresses to be unsafe yet: that is the moderators' business.
    can_pay = standing.available_mk >= order.cost.price
    needs = asked_by(order.needs, is_trusted=order.user.is_trusted, can_pay=can_pay, is_from_unsafe_ip=False)
    kudos = Kudos(standing.balance_mk) if order.stands_as is None else order.stands_as
    place = rank(priority(kudos, ctx.now, is_flagged=order.user.is_flagged), standing.requests)
    standing.jobs += order.draft.n
    standing.requests += 1
    return Entry(order, needs, place)
