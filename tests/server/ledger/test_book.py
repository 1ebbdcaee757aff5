"""The ledger is double entry: nothing appears, nothing vanishes, and what was written stays."""

import random
import uuid
from uuid import UUID

import asyncpg
import pytest

from horde.server.ledger.book import MINT, Transfer, lock_accounts, open_account, post
from horde.server.ledger.post import grant, pay_jobs
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, everything, has, look, one, payment, sum_of_balances, user

REMEMBERED = """
SELECT a.id, a.balance_mk AS balance, (
        SELECT coalesce(sum(CASE WHEN t.target = a.id THEN t.amount_mk ELSE -t.amount_mk END), 0)::bigint
        FROM ledger_transfers AS t
        WHERE a.id IN (t.source, t.target)
    ) AS sum_of_transfers
FROM ledger_accounts AS a
"""


def transfer(source: int, target: int, amount: int, transfer_id: UUID | None = None) -> Transfer:
    """A movement between two ledger accounts."""
    key = transfer_id or uuid.uuid4()
    return Transfer(id=key, source=source, target=target, amount=Kudos(amount), reason="grant", subject=None)


async def test_sum_of_all_balances_is_zero_after_any_run(clock: Clock) -> None:
    chance = random.Random(4)
    users = [await anonymous(clock.ctx), *[await user(clock.ctx, f"u{i}", has=i * 10) for i in range(4)]]
    for _ in range(100):
        payer, owner = chance.choices(users, k=2)
        reward = chance.randrange(30_000) / 1000
        charge = chance.choice([0, reward / 2, reward])
        async with clock.ctx.database.transaction() as tx:
            await pay_jobs(tx, [payment(payer, owner, reward, charge)], now=clock.now)

    assert await sum_of_balances(clock.ctx) == 0


async def test_balances_are_the_sum_of_the_transfers(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=20), await user(clock.ctx, "Bob", has=3)
    for _ in range(3):
        async with clock.ctx.database.transaction() as tx:
            await pay_jobs(tx, [payment(ada, bob, 10)], now=clock.now)

    rows = await look(clock.ctx, REMEMBERED)

    assert [row["balance"] for row in rows] == [row["sum_of_transfers"] for row in rows]


@pytest.mark.parametrize("statement", ["UPDATE ledger_transfers SET amount_mk = 1", "DELETE FROM ledger_transfers"])
async def test_ledger_rows_cannot_be_changed(clock: Clock, statement: str) -> None:
    await user(clock.ctx, has=20)
    before = await everything(clock.ctx)

    with pytest.raises(asyncpg.RaiseError, match="never changed: post a compensating transfer"):
        await change(clock.ctx, statement)

    assert await everything(clock.ctx) == before


async def test_posting_a_transfer_twice_changes_nothing(clock: Clock) -> None:
    ada = await user(clock.ctx, has=0)
    async with clock.ctx.database.transaction() as tx:
        accounts = await lock_accounts(tx, {ada.id})
        event = [transfer(accounts[MINT].id, accounts[ada.id].id, 5)]
        moved = [await post(tx, [event], now=clock.now) for _ in range(2)]

    assert moved == [2, 0]
    assert await has(clock.ctx, ada) == 5
    assert await one(clock.ctx, "SELECT count(*) FROM ledger_transfers") == 1


async def test_event_is_posted_whole_or_not_at_all(clock: Clock) -> None:
    ada = await user(clock.ctx, has=0)
    async with clock.ctx.database.transaction() as tx:
        accounts = await lock_accounts(tx, {ada.id})
        mint, hers = accounts[MINT].id, accounts[ada.id].id
        first, other = [transfer(mint, hers, 5), transfer(mint, hers, 7)], [transfer(mint, hers, 100)]
        await post(tx, [first], now=clock.now)

        # Its first transfer is known, so nothing of it counts, not even what is new; the other event is as it would be.
        again = [transfer(mint, hers, 5, first[0].id), transfer(mint, hers, 1000)]
        await post(tx, [again, other], now=clock.now)

    assert await has(clock.ctx, ada) == 112
    amounts = await look(clock.ctx, "SELECT amount_mk FROM ledger_transfers ORDER BY amount_mk")
    assert [row["amount_mk"] for row in amounts] == [5, 7, 100]


async def test_events_of_which_one_is_impossible_are_all_refused(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)
    before = await everything(clock.ctx)

    async with clock.ctx.database.transaction() as tx:
        accounts = await lock_accounts(tx, {ada.id})
    good, nothing = [transfer(accounts[MINT].id, accounts[ada.id].id, amount) for amount in (5, 0)]
    with pytest.raises(asyncpg.CheckViolationError):
        async with clock.ctx.database.transaction() as tx:
            await post(tx, [[good, nothing]], now=clock.now)

    assert await everything(clock.ctx) == before


async def test_nothing_to_post_is_nothing_posted(clock: Clock) -> None:
    async with clock.ctx.database.transaction() as tx:
        assert await post(tx, [], now=clock.now) == 0


async def test_granting_twice_for_one_event_grants_once(clock: Clock) -> None:
    ada, event = await user(clock.ctx, has=0), uuid.uuid4()

    for _ in range(2):
        async with clock.ctx.database.transaction() as tx:
            await grant(tx, event, ada.id, Kudos(7_000), now=clock.now)

    assert await has(clock.ctx, ada) == 7_000
    assert await sum_of_balances(clock.ctx) == 0


async def test_opening_an_account_twice_keeps_what_is_in_it(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    async with clock.ctx.database.transaction() as tx:
        await open_account(tx, ada.id)

    assert await has(clock.ctx, ada) == 20_000


async def test_accounts_are_found_by_user_and_by_name(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    async with clock.ctx.database.transaction() as tx:
        accounts = await lock_accounts(tx, {ada.id})

    assert accounts.keys() == {ada.id, MINT}
    assert (accounts[ada.id].balance_mk, accounts[MINT].balance_mk) == (20_000, -20_000)


async def test_user_without_an_account_has_nothing(clock: Clock) -> None:
    ada = await user(clock.ctx, has=0)
    await change(clock.ctx, "DELETE FROM ledger_accounts WHERE user_id = $1", user_id=ada.id)

    assert await has(clock.ctx, ada) == 0


async def test_database_refuses_a_movement_of_nothing(clock: Clock) -> None:
    mint, burn = [row["id"] for row in await look(clock.ctx, "SELECT id FROM ledger_accounts WHERE user_id IS NULL")]

    for target, amount in ((burn, 0), (burn, -5), (mint, 5)):
        with pytest.raises(asyncpg.CheckViolationError):
            async with clock.ctx.database.transaction() as tx:
                await post(tx, [[transfer(mint, target, amount)]], now=clock.now)
