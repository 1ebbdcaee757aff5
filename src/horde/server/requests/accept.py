"""Accept or refuse requests that arrived together."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from horde.errors import HordeError, IdempotencyKeyConflict, Overloaded
from horde.server.context import Context
from horde.server.idempotency.keys import recall
from horde.server.matching.lanes import Lanes
from horde.server.requests.add import add
from horde.server.requests.cost import check_upfront
from horde.server.requests.orders import Accepted, Order, Outcomes
from horde.server.requests.standing import Asking, Standing, placed, standings, too_many
from horde.units import Kudos


async def accept_together(ctx: Context, orders: Sequence[Order]) -> list[Accepted | HordeError]:
    """Accept or refuse each order, in their order."""
    lanes = ctx.remembered(Lanes)
    await lanes.load(ctx.database)
    outcomes: Outcomes = {}
    entries = []
    for order, standing in zip(orders, await standings(ctx, lanes, _asking(orders)), strict=True):
        if refusal := _too_many(order, standing):
            outcomes[order.id] = refusal
        else:
            entries.append(placed(ctx, order, standing))
    outcomes |= await add(ctx, lanes, entries)
    return [outcomes.get(order.id) or Overloaded() for order in orders]


async def refuse_early(ctx: Context, order: Order) -> None:
    """Raise what an order is refused with as things are, before work is done for it that would be in vain.

    Raises TooManyPrompts and KudosUpfront. That nothing is raised promises nothing: it is seen when it is added.
    """
    lanes = ctx.remembered(Lanes)
    await lanes.load(ctx.database)
    [standing] = await standings(ctx, lanes, _asking([order]))
    if refusal := _too_many(order, standing):
        raise refusal
    heavy = order.cost.heavy
    if not (order.draft.allow_downgrade and heavy and heavy.may_downgrade):
        check_upfront(order.cost, Kudos(max(standing.available_mk, 0)))


async def accept_once_together(ctx: Context, orders: Sequence[Order]) -> list[Accepted | HordeError]:
    """As `accept_together`, for orders with keys: what was accepted under one before is answered as it was then."""
    answers: Outcomes = {}
    # Twice: an order whose key another node is just using is refused at first, and then known to be answered.
    for _ in range(2):
        await _recall(ctx, [order for order in orders if order.id not in answers], answers)
        # One order of each key: what another of the same key gets is known afterwards.
        open_ones = [order for order in reversed(orders) if order.id not in answers]
        new = list({order.key.name: order for order in open_ones if order.key}.values())
        if new:
            outcomes = zip(new, await accept_together(ctx, new), strict=True)
            answers |= {order.id: found for order, found in outcomes if not isinstance(found, IdempotencyKeyConflict)}
    return [answers.get(order.id) or IdempotencyKeyConflict() for order in orders]


async def _recall(ctx: Context, orders: Sequence[Order], answers: Outcomes) -> None:
    keys = {order.id: order.key for order in orders if order.key}
    if not keys:
        return
    async with ctx.database.statement() as tx:
        kept = await recall(tx, keys.values())
    for order_id, key in keys.items():
        answer = kept.get(key)
        if answer is not None:
            answers[order_id] = answer if isinstance(answer, HordeError) else msgspec.convert(answer, Accepted)


def _asking(orders: Sequence[Order]) -> list[Asking]:
    # The world shares the anonymous account, so there only requests for the same models stand in each other's way.
    return [
        Asking(
            user=order.user,
            kind=order.draft.kind,
            models=frozenset(order.draft.models) if order.user.is_anonymous else frozenset(),
            at_most=order.user.concurrency,
        )
        for order in orders
    ]


def _too_many(order: Order, standing: Standing) -> HordeError | None:
    limit = order.user.concurrency
    return None if standing.jobs + order.draft.n <= limit else too_many(standing.jobs, order.draft.n, limit)
