"""Requests with equal needs stand in one lane, whoever made it first."""

import asyncio

from horde.kinds.base import Needs
from horde.server.context import Context
from horde.server.matching.lanes import Lane, lane_of, waiting_lanes
from tests.plugins.hordes import Clock
from tests.server.builders import asked, draft, nodes, one, popped, user

NEEDS = Needs(kind="image", models=("one", "two"), features=("tiling",), sizes=(("pixels", 4096),))


async def lanes(ctx: Context) -> list[Lane]:
    async with ctx.database.transaction() as tx:
        return await waiting_lanes(tx, "image")


async def test_equal_needs_share_a_lane_and_others_do_not(clock: Clock) -> None:
    async with clock.ctx.database.transaction() as tx:
        first = await lane_of(tx, NEEDS)
        same = await lane_of(tx, Needs(kind="image", sizes=NEEDS.sizes, features=NEEDS.features, models=NEEDS.models))
        other = await lane_of(tx, Needs(kind="image", sizes=NEEDS.sizes, features=NEEDS.features))

    assert first == same != other


async def test_nodes_that_make_a_lane_at_once_get_the_same(clock: Clock) -> None:
    async def made(ctx: Context) -> int:
        async with ctx.database.transaction() as tx:
            return await lane_of(tx, NEEDS)

    async with nodes(clock.ctx, 2) as contexts:
        found = await asyncio.gather(*[made(ctx) for ctx in contexts for _ in range(8)])

    assert len(set(found)) == 1
    assert await one(clock.ctx, "SELECT count(*) FROM lanes") == 1


async def test_only_lanes_in_which_somebody_waits_are_looked_at(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    for models in (("one",), ("one",), ("two",)):
        await asked(clock.ctx, ada, models=models)
    await popped(clock.ctx, bob, models=("two",))

    [lane] = await lanes(clock.ctx)

    assert lane.needs == Needs(kind="image", models=("one",), sizes=(("pixels", draft().params.pixels),), nsfw=True)
    assert lane.waiting == 2
