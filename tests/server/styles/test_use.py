"""Who is paid for a style, and when; what is counted."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from horde.errors import KudosUpfront, TooManyPrompts
from horde.kinds.image import ImageParams
from horde.server.context import Context
from horde.server.ledger.verify import Sums
from horde.server.requests.quote import estimated
from horde.server.requests.submit import submit
from horde.server.status.books import verify_books
from horde.server.styles.pick import StyleUse, pick
from horde.units import Kudos, kudos, kudos_on_the_wire
from tests.plugins.hordes import Clock
from tests.server.builders import (
    TAX,
    anonymous,
    asked,
    delivered,
    draft,
    everything,
    has,
    leased,
    look,
    nodes,
    purse,
    user,
)
from tests.server.styles.scene import collection, style

REWARD = kudos(2)


async def use_of(ctx: Context, name: str = "Oil") -> StyleUse:
    return (await pick(ctx, "image", name)).use


async def counted(ctx: Context) -> dict[str, int]:
    """How often styles and collections were used, by name, and how often by others, by author."""
    rows = await look(
        ctx,
        "SELECT name, use_count AS uses FROM styles UNION ALL SELECT name, use_count FROM style_collections"
        " UNION ALL SELECT u.name, r.styled FROM user_records AS r JOIN users AS u ON u.id = r.user_id",
    )
    return {row["name"]: row["uses"] for row in rows}


async def test_author_is_paid_what_the_requestor_pays_more(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100, is_trusted=True), await user(clock.ctx, "Bob", has=100)
    await style(clock.ctx, ada)

    await submit(clock.ctx, bob, draft(n=2), style=await use_of(clock.ctx))

    assert await has(clock.ctx, ada) == kudos(100) + REWARD
    assert await has(clock.ctx, bob) == kudos(100) - TAX - REWARD
    assert (await purse(clock.ctx, ada)).totals["styled"] == REWARD
    assert await counted(clock.ctx) == {"Oil": 1, "Ada": 1}
    assert isinstance(await verify_books(clock.ctx.database), Sums)


async def test_own_style_costs_and_brings_nothing(clock: Clock) -> None:
    ada = await user(clock.ctx, "Ada", has=100, is_trusted=True)
    await collection(clock.ctx, ada, await style(clock.ctx, ada))

    await submit(clock.ctx, ada, draft(), style=await use_of(clock.ctx, "Paintings"))

    assert await has(clock.ctx, ada) == kudos(100) - TAX
    assert await counted(clock.ctx) == {"Oil": 1, "Paintings": 1}


@pytest.mark.parametrize("available", [Kudos(0), Kudos(1_500), REWARD, Kudos(TAX + REWARD)])
async def test_author_is_paid_no_more_than_there_was_to_pay_with(clock: Clock, available: Kudos) -> None:
    ada = await user(clock.ctx, "Ada", has=100, is_trusted=True)
    poor = await user(clock.ctx, "Poor", has=0)
    floor = (await purse(clock.ctx, poor)).floor_mk
    bob = await user(clock.ctx, "Bob", has=kudos_on_the_wire(Kudos(floor + available)))
    await style(clock.ctx, ada)

    await submit(clock.ctx, bob, draft(), style=await use_of(clock.ctx))

    assert await has(clock.ctx, ada) == kudos(100) + min(available, REWARD)
    assert (await purse(clock.ctx, ada)).totals.get("styled", 0) == min(available, REWARD)
    assert await has(clock.ctx, bob) == floor
    assert isinstance(await verify_books(clock.ctx.database), Sums)


async def test_use_by_the_anonymous_account_is_counted_and_pays_nobody(clock: Clock) -> None:
    ada, nobody = await user(clock.ctx, "Ada", has=100, is_trusted=True), await anonymous(clock.ctx)
    await style(clock.ctx, ada)
    await asked(clock.ctx, await user(clock.ctx, "Bob"))
    await delivered(clock.ctx, nobody, await leased(clock.ctx, nobody))
    assert (await purse(clock.ctx, nobody)).available > TAX + REWARD

    await submit(clock.ctx, nobody, draft(), style=await use_of(clock.ctx))

    assert await has(clock.ctx, ada) == kudos(100)
    assert (await counted(clock.ctx)).items() >= {"Oil": 1, "Ada": 1}.items()


async def test_estimate_tells_the_dearer_tax_and_moves_nothing(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", is_trusted=True), await user(clock.ctx, "Bob")
    await style(clock.ctx, ada)
    use, plain = await use_of(clock.ctx), await estimated(clock.ctx, bob, draft(n=2))
    before = await everything(clock.ctx)

    assert await estimated(clock.ctx, bob, draft(n=2), style=use) == plain + REWARD
    assert await estimated(clock.ctx, ada, draft(n=2), style=use) == plain
    after = await everything(clock.ctx)
    assert {table for table, rows in after.items() if rows != before[table]} == {"styles"}
    assert await counted(clock.ctx) == {"Oil": 2}


async def test_refused_request_pays_and_counts_nothing(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", is_trusted=True), await user(clock.ctx, "Bob")
    await style(clock.ctx, ada)
    await asked(clock.ctx, bob, n=20)
    await asked(clock.ctx, bob, n=10)
    use, before = await use_of(clock.ctx), await everything(clock.ctx)

    with pytest.raises(TooManyPrompts):
        await submit(clock.ctx, bob, draft(), style=use)

    assert await everything(clock.ctx) == before


async def test_who_must_pay_upfront_must_have_the_dearer_tax_too(clock: Clock) -> None:
    settings = msgspec.structs.replace(clock.ctx.services.settings, upfront_kudos="on")
    ctx = replace(clock.ctx, services=replace(clock.ctx.services, settings=settings))
    ada = await user(ctx, "Ada", is_trusted=True)
    await style(ctx, ada)
    use, large = await use_of(ctx), draft(params=ImageParams(width=1024, height=1024, steps=100))
    rich = await user(ctx, "Rich", has=1000)
    before = await purse(ctx, rich)
    await submit(ctx, rich, large)
    needed = before.available - (await purse(ctx, rich)).available
    able = await user(ctx, "Able", has=kudos_on_the_wire(Kudos(before.floor_mk + needed)))

    with pytest.raises(KudosUpfront):
        await submit(ctx, able, large, style=use)
    await submit(ctx, able, large)


async def test_authors_who_use_each_others_styles_at_once_on_two_nodes_wait_for_nobody(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", is_trusted=True), await user(clock.ctx, "Bob", is_trusted=True)
    await style(clock.ctx, ada, "Of Ada")
    await style(clock.ctx, bob, "Of Bob")
    of_ada, of_bob = await use_of(clock.ctx, "Of Ada"), await use_of(clock.ctx, "Of Bob")

    async with nodes(clock.ctx, 2) as both:
        calls = [submit(node, who, draft(), style=use) for node in both for _ in range(10)
                 for who, use in ((ada, of_bob), (bob, of_ada))]  # fmt: skip
        await asyncio.gather(*calls)

    assert await counted(clock.ctx) == {"Of Ada": 20, "Of Bob": 20, "Ada": 20, "Bob": 20}
    assert await has(clock.ctx, ada) == await has(clock.ctx, bob) == kudos(1000) - 20 * TAX
    assert isinstance(await verify_books(clock.ctx.database), Sums)
