"""The ledger is double entry: nothing appears, nothing vanishes, and what was written stays."""

import random
import uuid

import asyncpg
import pytest

from horde.server.ledger.book import MINT, Transfer, lock_accounts, open_account, post
from horde.server.ledger.post import FLOOR_ANONYMOUS, FLOOR_REGISTERED, Payer, grant, pay_job
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, everything, has, look, one, sum_of_balances, user

REMEMBERED = """
SELECT a.id, a.balance_mk AS balance, (
        SELECT coalesce(sum(CASE WHEN t.target = a.id THEN t.amount_mk ELSE -t.amount_mk END), 0)::bigint
        FROM ledger_transfers AS t
        WHERE a.id IN (t.source, t.target)
    ) AS sum_of_transfers
FROM ledger_accounts AS a
"""


async def test_sum_of_all_balances_is_zero_after_any_run(clock: Clock) -> None:
    chance = random.Random(4)
    users = [await anonymous(clock.ctx), *[await user(clock.ctx, f"u{i}", has=i * 10) for i in range(4)]]
    for _ in range(100):
        payer, owner = chance.choices(users, k=2)
        floor = FLOOR_ANONYMOUS if payer.is_anonymous else FLOOR_REGISTERED
        reward = Kudos(chance.randrange(30_000))
        charge = Kudos(chance.choice([0, reward // 2, reward]))
        async with clock.ctx.database.transaction() as tx:
            await pay_job(
                tx, uuid.uuid4(), Payer(user_id=payer.id, floor=floor), owner.id, reward, charge=charge, now=clock.now
            )

    assert await sum_of_balances(clock.ctx) == 0


async def test_balances_are_the_sum_of_the_transfers(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=20), await user(clock.ctx, "Bob", has=3)
    for _ in range(3):
        async with clock.ctx.database.transaction() as tx:
            payer = Payer(user_id=ada.id, floor=FLOOR_REGISTERED)
            await pay_job(tx, uuid.uuid4(), payer, bob.id, Kudos(10_000), charge=Kudos(10_000), now=clock.now)

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
        transfer = Transfer(
            id=uuid.uuid4(),
            source=accounts[MINT].id,
            target=accounts[ada.id].id,
            amount=Kudos(5),
            reason="grant",
            subject=None,
        )
        first, second = await post(tx, transfer, now=clock.now), await post(tx, transfer, now=clock.now)

    assert (first, second) == (True, False)
    assert await has(clock.ctx, ada) == 5
    assert await one(clock.ctx, "SELECT count(*) FROM ledger_transfers") == 1


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
        transfer = Transfer(
            id=uuid.uuid4(), source=mint, target=target, amount=Kudos(amount), reason="grant", subject=None
        )
        with pytest.raises(asyncpg.CheckViolationError):
            async with clock.ctx.database.transaction() as tx:
                await post(tx, transfer, now=clock.now)
