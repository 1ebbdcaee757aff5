"""Who asks for much must have the kudos for all of it, or asks for less."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import msgspec
import pytest

from horde.errors import KudosUpfront
from horde.kinds.image import ImageParams
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.requests.cancel import cancel
from horde.server.requests.quote import estimated
from horde.server.requests.submit import submit
from horde.server.settings import Settings
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import (
    CHARGED,
    MODEL,
    TAX,
    anonymous,
    asked,
    draft,
    everything,
    look,
    nodes,
    purse,
    user,
    worker,
)

STEPS_41 = ImageParams(steps=41)
ONE = (MODEL,)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """As on a public horde."""
    return msgspec.structs.replace(settings, upfront_kudos="on")


async def asked_for(ctx: Context) -> list[dict[str, object]]:
    """What the requests are that were accepted."""
    return await look(ctx, "SELECT params ->> 'steps' AS steps, n FROM requests ORDER BY seq")


async def test_heavy_request_is_refused_to_who_has_less_than_it_costs_with_the_figures(clock: Clock) -> None:
    ada = await user(clock.ctx, has=14 + 2 * 12)  # a kudo less than two pictures and the tax
    before = await everything(clock.ctx)

    with pytest.raises(KudosUpfront) as refusal:
        await asked(clock.ctx, ada, n=2, models=ONE)

    assert refusal.value.message == (
        "It has 50 steps, and 40 are free. Such a request needs 25.00 kudos upfront, and 24.00 are there."
    )
    assert "allow_downgrade" in refusal.value.hint
    # The lane is made before: it asks for nothing.
    assert {**await everything(clock.ctx), "lanes": []} == {**before, "lanes": []}


async def test_heavy_request_holds_all_that_it_costs(clock: Clock) -> None:
    ada = await user(clock.ctx, has=14 + 2 * 12 + 1)

    await asked(clock.ctx, ada, n=2, models=ONE)

    found = await purse(clock.ctx, ada)
    assert (found.held_mk, found.available) == (2 * CHARGED, 0)


async def test_what_is_held_for_one_request_cannot_be_held_for_another(clock: Clock) -> None:
    ada = await user(clock.ctx, has=14 + 3 * 13)

    first, *_ = [await asked(clock.ctx, ada, models=ONE) for _ in range(3)]
    with pytest.raises(KudosUpfront):
        await asked(clock.ctx, ada, models=ONE)
    await cancel(clock.ctx, first, kind="image")
    with pytest.raises(KudosUpfront):
        await asked(clock.ctx, ada, models=ONE)  # the tax is gone

    assert (await purse(clock.ctx, ada)).available == CHARGED


@pytest.mark.parametrize("keyed", [False, True])
async def test_of_many_heavy_requests_at_once_over_two_nodes_as_many_are_accepted_as_can_be_paid(
    clock: Clock, keyed: bool
) -> None:
    ada = await user(clock.ctx, has=14 + 7 * 13 + 12, concurrency=500)

    async def accepted(ctx: Context) -> bool:
        key = Key((ada.id, str(uuid4())), b"x") if keyed else None
        try:
            await submit(ctx, ada, draft(models=ONE), key)
        except KudosUpfront:
            return False
        return True

    async with nodes(clock.ctx, 2) as contexts:
        answers = await asyncio.gather(*[accepted(ctx) for _ in range(20) for ctx in contexts])

    assert sum(answers) == 7
    assert (await purse(clock.ctx, ada)).available == CHARGED
    assert len(await asked_for(clock.ctx)) == 7
    await books_agree(clock.ctx)


async def test_request_that_may_be_made_smaller_is_made_smaller_where_it_cannot_be_paid(clock: Clock) -> None:
    poor, rich = await user(clock.ctx, has=14), await user(clock.ctx, has=1000)

    for requestor in (poor, rich):
        await asked(clock.ctx, requestor, params=STEPS_41, allow_downgrade=True)

    assert await asked_for(clock.ctx) == [{"steps": "30", "n": 1}, {"steps": "41", "n": 1}]


async def test_request_for_a_list_of_workers_is_heavy_only_where_the_operator_says_so(clock: Clock) -> None:
    ada = await user(clock.ctx, has=14)
    atlas = await worker(clock.ctx, await user(clock.ctx, "Bob"))
    services = clock.ctx.services
    strict = msgspec.structs.replace(services.settings, upfront_kudos_on_workerlist=True)
    wanted = {"params": ImageParams(), "workers": (str(atlas.id),), "allow_downgrade": True}

    await asked(clock.ctx, ada, **wanted)
    with pytest.raises(KudosUpfront, match="It is only for a list of 1 workers") as refusal:
        await asked(Context(replace(services, settings=strict), clock.now), ada, **wanted)

    assert "allow_downgrade" not in refusal.value.hint


async def test_light_request_holds_what_there_is(clock: Clock) -> None:
    some, nobody = await user(clock.ctx, has=20), await anonymous(clock.ctx)
    light = ImageParams(steps=30)  # charged 9.04

    for requestor in (some, nobody):
        await asked(clock.ctx, requestor, n=6, params=light)

    assert (await purse(clock.ctx, some)).held_mk == 6_000 - TAX
    assert (await purse(clock.ctx, nobody)).held_mk == 50_000 - TAX


async def test_dry_run_is_refused_as_the_request_would_be(clock: Clock) -> None:
    async def price(requestor: User, **changes: object) -> int:
        return await estimated(clock.ctx, requestor, draft(models=ONE, **changes))

    poor, rich = await user(clock.ctx, has=14), await user(clock.ctx, has=1000)
    before = await everything(clock.ctx)

    with pytest.raises(KudosUpfront, match=r"needs 13\.00 kudos upfront, and 0\.00 are there"):
        await price(poor)
    assert await price(poor, allow_downgrade=True) == await price(rich) == kudos(13)
    assert await everything(clock.ctx) == before


async def test_private_horde_asks_nobody_to_pay_upfront(clock: Clock) -> None:
    services = clock.ctx.services
    private = replace(services, settings=msgspec.structs.replace(services.settings, upfront_kudos="off"))

    await asked(Context(private, clock.now), await user(clock.ctx, has=14), slow_workers=False, n=3)

    assert len(await asked_for(clock.ctx)) == 1
