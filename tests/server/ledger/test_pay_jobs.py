"""A job is paid once, by the requestor as far as the floor allows, and by the mint beyond."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import chain
from uuid import UUID

import pytest

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.post import JobPayment, pay_jobs
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, everything, has, look, nodes, payment, sum_of_balances, user

Pay = Callable[..., Awaitable[None]]


async def pay_all(ctx: Context, *payments: JobPayment) -> None:
    """Pay jobs in one batch."""
    async with ctx.database.transaction() as tx:
        await pay_jobs(tx, payments, now=ctx.now)


async def lifts(ctx: Context) -> list[int]:
    """By how much balances were lifted to a floor, in milli-kudos, the smallest first."""
    rows = await look(ctx, "SELECT amount_mk FROM ledger_transfers WHERE reason = 'floor' ORDER BY amount_mk")
    return [row["amount_mk"] for row in rows]


@pytest.fixture
def pay(clock: Clock) -> Pay:
    """Pay a job in whole kudos."""

    async def paid(source: User, target: User, reward: float, charge: float, job_id: UUID | None = None) -> None:
        await pay_all(clock.ctx, payment(source, target, reward, charge, job_id))

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
    assert await lifts(clock.ctx) == [10_000]


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
    assert await lifts(clock.ctx) == [10_000] * 30


async def test_opposite_payments_of_two_users_at_once_do_not_deadlock(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=1000), await user(clock.ctx, "Bob", has=1000)

    async with nodes(clock.ctx, 2) as contexts:
        pairs = [(ada, bob), (bob, ada)]
        await asyncio.gather(
            *[pay_all(ctx, payment(*pair, 1)) for _ in range(10) for ctx in contexts for pair in pairs]
        )

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (1000_000, 1000_000)


async def test_poor_payer_of_many_jobs_in_one_batch_is_lifted_for_each_by_what_it_fell_short(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=35), await user(clock.ctx, "Bob", has=0)

    await pay_all(clock.ctx, *[payment(ada, bob, 10) for _ in range(4)])

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (14_000, 40_000)
    # 35 - 10 - 10 = 15; the third falls to 5, the fourth from 14 to 4.
    assert await lifts(clock.ctx) == [9_000, 10_000]
    assert await sum_of_balances(clock.ctx) == 0


@pytest.mark.parametrize("seed", range(10))
async def test_batch_pays_exactly_as_one_by_one(clock: Clock, seed: int) -> None:
    chance = random.Random(seed)

    async def people() -> list[User]:
        some = [await user(clock.ctx, f"u{has}", has=has) for has in (0, 10, 14, 30, 1000)]
        return [await anonymous(clock.ctx), *some]

    batched, alone = await people(), await people()
    jobs = []
    for _ in range(30):
        payer, owner = chance.randrange(1, 6), chance.randrange(6)
        reward = chance.randrange(20_000) / 1000
        jobs.append((payer, owner, reward, chance.choice([0, reward / 2, reward])))

    await pay_all(
        clock.ctx, *[payment(batched[payer], batched[owner], reward, charge) for payer, owner, reward, charge in jobs]
    )
    in_batch, lifted_in_batch = [await has(clock.ctx, someone) for someone in batched[1:]], await lifts(clock.ctx)
    assert await sum_of_balances(clock.ctx) == 0
    for payer, owner, reward, charge in jobs:
        await pay_all(clock.ctx, payment(alone[payer], alone[owner], reward, charge))
        assert await sum_of_balances(clock.ctx) == 0

    assert [await has(clock.ctx, someone) for someone in alone[1:]] == in_batch
    assert sorted(await lifts(clock.ctx)) == sorted(lifted_in_batch * 2)


async def test_batches_of_several_nodes_that_name_the_same_accounts_in_different_orders_all_pay(clock: Clock) -> None:
    chance = random.Random(8)
    users = [await user(clock.ctx, f"u{number}", has=1000) for number in range(6)]
    batches = []
    for _ in range(24):
        pairs = [chance.sample(users, 2) for _ in range(6)]
        batches.append([payment(payer, owner, chance.randrange(1, 10)) for payer, owner in pairs])

    async with nodes(clock.ctx, 3) as contexts:
        await asyncio.gather(*[pay_all(contexts[place % 3], *batch) for place, batch in enumerate(batches)])

    due = Counter({someone.id: 1_000_000 for someone in users})
    for paid in chain(*batches):
        due[paid.worker_owner_id] += paid.reward
        due[paid.payer_id] -= paid.charge
    assert {someone.id: await has(clock.ctx, someone) for someone in users} == due
    assert await sum_of_balances(clock.ctx) == 0
