"""A job is paid once, by the requestor as far as the floor allows, and by the mint beyond."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.post import FLOOR_ANONYMOUS, FLOOR_REGISTERED, Payer, pay_job
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, everything, has, look, nodes, sum_of_balances, user

Pay = Callable[..., Awaitable[None]]


@pytest.fixture
def pay(clock: Clock) -> Pay:
    """Pay a job in whole kudos."""

    async def paid(source: User, target: User, reward: float, charge: float, job_id: UUID | None = None) -> None:
        payer = Payer(user_id=source.id, floor=FLOOR_ANONYMOUS if source.is_anonymous else FLOOR_REGISTERED)
        async with clock.ctx.database.transaction() as tx:
            await pay_job(
                tx, job_id or uuid.uuid4(), payer, target.id, kudos(reward), charge=kudos(charge), now=clock.now
            )

    return paid


async def test_requestor_pays_the_owner_of_the_worker(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)

    await pay(ada, bob, 10, 10)

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (90_000, 10_000)


async def test_what_the_requestor_is_not_charged_is_minted(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)

    await pay(ada, bob, 10, 4)

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (96_000, 10_000)
    assert await sum_of_balances(clock.ctx) == 0


async def test_own_job_on_own_worker_moves_nothing(clock: Clock, pay: Pay) -> None:
    ada = await user(clock.ctx, "Ada", has=100)
    before = await everything(clock.ctx)

    await pay(ada, ada, 10, 10)

    assert await everything(clock.ctx) == before


async def test_free_job_moves_nothing(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=0), await user(clock.ctx, "Bob", has=0)
    before = await everything(clock.ctx)

    await pay(ada, bob, 0, 0)

    assert await everything(clock.ctx) == before


async def test_balance_of_an_account_is_lifted_to_its_floor(clock: Clock, pay: Pay) -> None:
    bob = await user(clock.ctx, "Bob", has=0)

    for start, charge, end in ((100, 10, 90), (24, 10, 14), (20, 10, 14), (14, 10, 14), (0, 10, 14), (0, 0, 14)):
        ada = await user(clock.ctx, "Ada", has=start)
        await pay(ada, bob, 10, charge)
        assert await has(clock.ctx, ada) == kudos(end), (start, charge)

    assert await has(clock.ctx, bob) == 60_000
    assert await sum_of_balances(clock.ctx) == 0


async def test_anonymous_balance_falls_to_minus_50_and_no_further(clock: Clock, pay: Pay) -> None:
    nobody, bob = await anonymous(clock.ctx), await user(clock.ctx, "Bob", has=0)

    seen = []
    for _ in range(3):
        await pay(nobody, bob, 20, 20)
        seen.append(await has(clock.ctx, nobody))

    assert seen == [-20_000, -40_000, -50_000]
    forgiven = await look(clock.ctx, "SELECT amount_mk FROM ledger_transfers WHERE reason = 'floor'")
    assert forgiven == [{"amount_mk": 10_000}]


async def test_paying_the_same_job_twice_changes_nothing(clock: Clock, pay: Pay) -> None:
    bob = await user(clock.ctx, "Bob", has=0)

    for start, charge in ((100, 10), (100, 50), (100, 90), (20, 10), (0, 0)):
        ada, job_id = await user(clock.ctx, "Ada", has=start), uuid.uuid4()
        await pay(ada, bob, 90, charge, job_id)
        before = await everything(clock.ctx)

        await pay(ada, bob, 90, charge, job_id)

        assert await everything(clock.ctx) == before, (start, charge)


async def test_each_of_many_charges_at_once_is_lifted_by_what_it_fell_short_and_no_more(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=114), await user(clock.ctx, "Bob", has=0)
    await asyncio.gather(*[has(clock.ctx, bob) for _ in range(10)])  # so that every connection is up

    await asyncio.gather(*[pay(ada, bob, 10, 10) for _ in range(40)])

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (14_000, 400_000)
    lifts = await look(clock.ctx, "SELECT amount_mk FROM ledger_transfers WHERE reason = 'floor'")
    assert [lift["amount_mk"] for lift in lifts] == [10_000] * 30


async def test_opposite_payments_of_two_users_at_once_do_not_deadlock(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=1000), await user(clock.ctx, "Bob", has=1000)

    async def pays(ctx: Context, source: User, target: User) -> None:
        async with ctx.database.transaction() as tx:
            payer = Payer(user_id=source.id, floor=FLOOR_REGISTERED)
            await pay_job(tx, uuid.uuid4(), payer, target.id, kudos(1), charge=kudos(1), now=ctx.now)

    async with nodes(clock.ctx, 2) as contexts:
        pairs = [(ada, bob), (bob, ada)]
        await asyncio.gather(*[pays(ctx, *pair) for _ in range(10) for ctx in contexts for pair in pairs])

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (1000_000, 1000_000)
