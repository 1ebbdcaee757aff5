"""A job is paid once, by the requestor as far as the floor allows, and by the mint beyond."""

import asyncio
import random
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import chain
from uuid import UUID

import pytest

from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.book import Book
from horde.server.ledger.jobs import JobPayment, ask, give_back, settle
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, earned, everything, has, look, nodes, payment, purse, sum_of_balances, user

Pay = Callable[..., Awaitable[None]]


LIFTS = """
SELECT p.lifted_mk
FROM ledger_postings AS p
JOIN ledger_events AS e ON e.seq = p.event_seq AND e.kind = 'job'
WHERE p.lifted_mk > 0
ORDER BY p.lifted_mk
"""


async def pay_all(ctx: Context, *payments: JobPayment) -> None:
    """Pay jobs in one batch."""
    async with ctx.database.transaction() as tx:
        book = await Book.open(tx, {user_id for each in payments for user_id in (each.payer_id, each.owner_id)})
        for each in payments:
            settle(book, [each], held_before=0, held_after=0)
        await book.post(ctx.now)


async def lifts(ctx: Context) -> list[int]:
    """By how much balances were lifted to a floor, in milli-kudos, the smallest first."""
    rows = await look(ctx, LIFTS)
    return [row["lifted_mk"] for row in rows]


@pytest.fixture
def pay(clock: Clock) -> Pay:
    """Pay a job in whole kudos."""

    async def paid(source: User, target: User, reward: float, charge: float, job_id: UUID | None = None) -> None:
        await pay_all(clock.ctx, payment(source, target, reward, charge, job_id))

    return paid


async def test_requestor_pays_the_owner_of_the_worker(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)

    await pay(ada, bob, 10, 10)

    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (90_000, 10_000)


async def test_what_the_requestor_is_not_charged_is_minted(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)

    await pay(ada, bob, 10, 4)

    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (96_000, 10_000)
    assert await sum_of_balances(clock.ctx) == 0


async def test_free_job_moves_nothing(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=0), await user(clock.ctx, "Bob", has=0)
    before = await everything(clock.ctx)

    await pay(ada, bob, 0, 0)

    assert await everything(clock.ctx) == before


async def test_balance_of_an_account_is_lifted_to_its_floor(clock: Clock, pay: Pay) -> None:
    bob = await user(clock.ctx, "Bob", has=0)

    for start, charge, end in ((100, 10, 90), (24, 10, 14), (20, 10, 14), (14, 10, 14), (14, 0, 14)):
        ada = await user(clock.ctx, "Ada", has=start)
        await pay(ada, bob, 10, charge)
        assert await has(clock.ctx, ada) == kudos(end), (start, charge)

    assert await earned(clock.ctx, bob) == 50_000
    assert await sum_of_balances(clock.ctx) == 0


async def test_anonymous_balance_falls_to_minus_50_and_no_further(clock: Clock, pay: Pay) -> None:
    nobody, bob = await anonymous(clock.ctx), await user(clock.ctx, "Bob", has=0)

    seen = []
    for _ in range(3):
        await pay(nobody, bob, 20, 20)
        seen.append(await has(clock.ctx, nobody))

    assert seen == [-20_000, -40_000, -50_000]
    assert await lifts(clock.ctx) == [10_000]


async def test_each_of_many_charges_at_once_is_lifted_by_what_it_fell_short_and_no_more(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=114), await user(clock.ctx, "Bob", has=0)
    await asyncio.gather(*[has(clock.ctx, bob) for _ in range(10)])  # so that every connection is up

    await asyncio.gather(*[pay(ada, bob, 10, 10) for _ in range(40)])

    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (14_000, 400_000)
    assert await lifts(clock.ctx) == [10_000] * 30


async def test_opposite_payments_of_two_users_at_once_do_not_deadlock(clock: Clock) -> None:
    ada, bob = [await user(clock.ctx, name, has=1000, is_trusted=True) for name in ("Ada", "Bob")]

    async with nodes(clock.ctx, 2) as contexts:
        pairs = [(ada, bob), (bob, ada)]
        await asyncio.gather(
            *[pay_all(ctx, payment(*pair, 1)) for _ in range(10) for ctx in contexts for pair in pairs]
        )

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (1000_000, 1000_000)


async def test_poor_payer_of_many_jobs_in_one_batch_is_lifted_for_each_by_what_it_fell_short(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=35), await user(clock.ctx, "Bob", has=0)

    await pay_all(clock.ctx, *[payment(ada, bob, 10) for _ in range(4)])

    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (14_000, 40_000)
    # 35 - 10 - 10 = 15; the third falls to 5, the fourth from 14 to 4.
    assert await lifts(clock.ctx) == [9_000, 10_000]
    assert await sum_of_balances(clock.ctx) == 0


@pytest.mark.parametrize("seed", range(10))
async def test_batch_pays_exactly_as_one_by_one(clock: Clock, seed: int) -> None:
    chance = random.Random(seed)

    async def people() -> list[User]:
        some = [await user(clock.ctx, f"u{has}", has=has) for has in (14, 15, 20, 30, 1000)]
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
    users = [await user(clock.ctx, f"u{number}", has=1000, is_trusted=True) for number in range(6)]
    batches = []
    for _ in range(24):
        pairs = [chance.sample(users, 2) for _ in range(6)]
        batches.append([payment(payer, owner, chance.randrange(1, 10)) for payer, owner in pairs])

    async with nodes(clock.ctx, 3) as contexts:
        await asyncio.gather(*[pay_all(contexts[place % 3], *batch) for place, batch in enumerate(batches)])

    due = Counter({someone.id: 1_000_000 for someone in users})
    for paid in chain(*batches):
        due[paid.owner_id] += paid.credit
        due[paid.payer_id] -= paid.charge
    assert {someone.id: await has(clock.ctx, someone) for someone in users} == due
    assert await sum_of_balances(clock.ctx) == 0


# -------------------------------------------------------------------------------------------- escrow
@pytest.mark.parametrize(("is_trusted", "escrow"), [(False, 4_120), (True, 0)])
async def test_half_of_what_an_account_earns_that_is_not_trusted_goes_into_escrow(
    clock: Clock, pay: Pay, is_trusted: bool, escrow: int
) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0, is_trusted=is_trusted)

    await pay(ada, bob, 8.25, 10)

    found = await purse(clock.ctx, bob)
    assert (found.escrow_mk, found.spendable_mk) == (escrow, 14_000 + 8_250 - escrow)


async def test_anonymous_account_earns_without_escrow(clock: Clock, pay: Pay) -> None:
    ada, nobody = await user(clock.ctx, "Ada", has=100), await anonymous(clock.ctx)

    await pay(ada, nobody, 10, 10)

    assert (await purse(clock.ctx, nobody)).spendable_mk == 10_000


async def test_what_the_owner_is_not_credited_with_is_burnt(clock: Clock, pay: Pay) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)

    await pay(ada, bob, 7, 10)

    burnt = await look(clock.ctx, "SELECT balance_mk FROM ledger_balances WHERE system_name = 'burn'")
    assert [row["balance_mk"] for row in burnt] == [3_000]


# --------------------------------------------------------------------------------------------- holds
@dataclass(frozen=True)
class Held:
    """What is held, and what the charges of three jobs that end after each other leave of it."""

    has: int
    held: int
    charges: tuple[int, int, int]
    still_held: tuple[int, int, int]
    """What the request needs after each."""


HOLDS = [
    Held(100, 36, (12, 12, 12), (24, 12, 0)),
    Held(100, 36, (12, 1, 12), (24, 12, 0)),
    Held(100, 36, (1, 1, 1), (24, 12, 0)),
    Held(100, 36, (14, 14, 14), (22, 8, 0)),
    Held(30, 15, (12, 12, 12), (3, 0, 0)),
    Held(14, 0, (12, 12, 12), (0, 0, 0)),
]


@pytest.mark.parametrize("case", HOLDS)
@pytest.mark.parametrize("is_batch", [False, True])
async def test_jobs_are_paid_out_of_what_is_held_and_the_rest_comes_back(
    clock: Clock, case: Held, is_batch: bool
) -> None:
    ada, bob, request_id = await user(clock.ctx, "Ada", has=case.has), await user(clock.ctx, "Bob"), uuid.uuid4()
    async with clock.ctx.database.transaction() as tx:
        book = await Book.open(tx, {ada.id})
        ask(book, request_id, ada.id, tax=kudos(1), held=kudos(case.held))
        await book.post(clock.now)
    assert (await purse(clock.ctx, ada)).held_mk == case.held * 1000

    payments = [payment(ada, bob, 5, charge) for charge in case.charges]
    befores, afters = (case.held, *case.still_held[:2]), case.still_held
    async with clock.ctx.database.transaction() as tx:
        book = await Book.open(tx, {ada.id, bob.id})
        if is_batch:
            settle(book, payments, held_before=case.held * 1000, held_after=0)
        else:
            for each, before, after in zip(payments, befores, afters, strict=True):
                settle(book, [each], held_before=before * 1000, held_after=after * 1000)
                assert book.account(ada.id).held_mk == after * 1000
        await book.post(clock.now)

    found = await purse(clock.ctx, ada)
    assert (found.held_mk, found.spendable_mk) == (0, max(14, case.has - 1 - sum(case.charges)) * 1000)
    assert await sum_of_balances(clock.ctx) == 0


async def test_what_is_given_back_can_be_spent_again(clock: Clock) -> None:
    ada, request_id = await user(clock.ctx, has=100), uuid.uuid4()

    async with clock.ctx.database.transaction() as tx:
        book = await Book.open(tx, {ada.id})
        ask(book, request_id, ada.id, tax=kudos(1), held=kudos(50))
        assert book.account(ada.id).available == kudos(100 - 1 - 50 - 14)
        give_back(book, request_id, ada.id, kudos(50), note="cancelled")
        await book.post(clock.now)

    found = await purse(clock.ctx, ada)
    assert (found.held_mk, found.spendable_mk) == (0, 99_000)
