"""Who is served when, as time goes by: kudos go first, waiting makes up for them, and nobody waits for ever."""

import pytest

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.accounts import FLOOR_ANONYMOUS
from horde.server.matching.order import AGEING, AGEING_PERIOD
from horde.units import KUDOS_SCALE
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, asked, at_a_tick, change, popped, user

TICK_S = AGEING_PERIOD.total_seconds()


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob")


async def served(ctx: Context, owner: User, count: int) -> list[object]:
    """The prompts of so many jobs, in the order in which a worker gets them."""
    return [(await popped(ctx, owner)).payload["prompt"] for _ in range(count)]


@pytest.fixture
async def debtor(clock: Clock) -> User:
    """The anonymous account, as deep in debt as it can be."""
    await change(clock.ctx, "UPDATE ledger_accounts SET spendable_mk = $1 WHERE user_id = 0", floor=FLOOR_ANONYMOUS)
    return await anonymous(clock.ctx)


async def passed_by(clock: Clock, requestor: User, bob: User, *, kudos: int, every_s: float) -> float:
    """For how many seconds a request waits while a rival with so many kudos asks before each job that is handed out."""
    rich = await user(clock.ctx, "Rich", has=kudos)
    await asked(clock.ctx, requestor, prompt="patient")
    born = clock.now
    while True:
        await asked(clock.ctx, rich, prompt="rich")
        if await served(clock.ctx, bob, 1) == ["patient"]:
            return (clock.now - born).total_seconds()
        clock.move(seconds=every_s)


@pytest.mark.parametrize("kudos", [50, 100, 1000])
async def test_anonymous_request_is_served_when_it_has_aged_the_difference_although_richer_ones_keep_coming(
    clock: Clock, debtor: User, bob: User, kudos: int
) -> None:
    at_a_tick(clock)
    difference = kudos - FLOOR_ANONYMOUS / KUDOS_SCALE

    waited_s = await passed_by(clock, debtor, bob, kudos=kudos, every_s=TICK_S)

    # Fifty kudos for each ten seconds: 1,050 kudos are made up for in 210 s.
    assert waited_s == difference / AGEING * TICK_S


async def test_request_waits_no_longer_for_having_come_in_the_middle_of_a_tick(
    clock: Clock, debtor: User, bob: User
) -> None:
    at_a_tick(clock)
    clock.move(seconds=0.9 * TICK_S)

    assert await passed_by(clock, debtor, bob, kudos=1000, every_s=TICK_S / 2) <= 1050 / AGEING * TICK_S


async def test_last_of_many_requests_of_one_account_falls_back_by_less_than_a_tick(
    clock: Clock, debtor: User, bob: User
) -> None:
    at_a_tick(clock)
    await change(clock.ctx, "UPDATE users SET concurrency = 500 WHERE id = 0")
    many = await anonymous(clock.ctx)
    for _ in range(20):
        await asked(clock.ctx, many, prompt="before it")

    rich = await user(clock.ctx, "Rich", has=1000)
    await asked(clock.ctx, many, prompt="last")
    await asked(clock.move(seconds=1050 / AGEING * TICK_S + TICK_S), rich, prompt="rich")

    assert (await served(clock.ctx, bob, 22))[-2:] == ["last", "rich"]


async def test_owner_goes_before_whoever_has_waited_for_long(clock: Clock, bob: User) -> None:
    rich = await user(clock.ctx, "Rich", has=10**6)
    await asked(clock.ctx, rich, prompt="rich")
    broke = await user(clock.ctx, "Broke", has=0)
    await asked(clock.move(minutes=15), broke, prompt="own")

    assert await served(clock.ctx, broke, 2) == ["own", "rich"]


async def test_accounts_of_equal_kudos_take_turns_however_much_one_of_them_asks_for(clock: Clock, bob: User) -> None:
    at_a_tick(clock)
    busy = await user(clock.ctx, "Busy", has=100, concurrency=200)
    for number in range(100):
        await asked(clock.ctx, busy, prompt=f"busy {number}")
    other = await user(clock.ctx, "Other", has=100)
    for number in range(2):
        await asked(clock.move(seconds=1), other, prompt=f"other {number}")

    assert await served(clock.ctx, bob, 5) == ["busy 0", "other 0", "busy 1", "other 1", "busy 2"]


async def test_turns_count_for_less_than_a_kudo(clock: Clock, bob: User) -> None:
    at_a_tick(clock)
    busy = await user(clock.ctx, "Busy", has=103)
    for number in range(3):
        await asked(clock.ctx, busy, prompt=f"busy {number}")
    await asked(clock.ctx, await user(clock.ctx, "Other", has=100), prompt="other")

    assert await served(clock.ctx, bob, 4) == ["busy 0", "busy 1", "busy 2", "other"]


async def test_two_of_equal_rank_go_by_age(clock: Clock, bob: User) -> None:
    at_a_tick(clock)
    names = ("first", "second", "third")
    for name in names:
        await asked(clock.move(seconds=1), await user(clock.ctx, name, has=100), prompt=name)

    assert await served(clock.ctx, bob, 3) == [*names]
