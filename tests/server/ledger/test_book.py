"""The ledger is double entry: nothing appears, nothing vanishes, and what was written stays."""

import random
import uuid
from typing import Any

import asyncpg
import pytest

from horde.errors import Overloaded
from horde.server.accounts.users import User
from horde.server.ledger.book import Book, Event, EventKind, Move
from horde.server.ledger.grants import grant, open_account
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, everything, has, look, one, purse, sum_of_balances, user

REMEMBERED = """
SELECT a.spendable_mk, a.held_mk, a.escrow_mk, a.lifted_mk, sum(p.spendable_mk)::bigint AS spendable,
    sum(p.held_mk)::bigint AS held, sum(p.escrow_mk)::bigint AS escrow, sum(p.lifted_mk)::bigint AS lifted
FROM ledger_accounts AS a
JOIN ledger_postings AS p ON p.account_id = a.id
WHERE a.user_id IS NOT NULL
GROUP BY a.id
"""
LAST_AFTER = """
SELECT DISTINCT ON (a.id) a.spendable_mk, a.held_mk, a.escrow_mk, p.spendable_after_mk AS spendable_after,
    p.held_after_mk AS held_after, p.escrow_after_mk AS escrow_after
FROM ledger_accounts AS a
JOIN ledger_postings AS p ON p.account_id = a.id
WHERE a.user_id IS NOT NULL
ORDER BY a.id, p.event_seq DESC
"""


def event(*moves: Move, kind: EventKind = "admin", **fields: Any) -> Event:
    """Something that happened."""
    return Event(id=uuid.uuid4(), kind=kind, moves=moves, **fields)


async def enter(clock: Clock, *events: Event) -> None:
    """Post events in one transaction."""
    async with clock.ctx.database.transaction() as tx:
        book = await Book.open(tx, {move.user_id for each in events for move in each.moves})
        for each in events:
            book.enter(each)
        await book.post(clock.now)


async def some_events(clock: Clock) -> list[User]:
    """A hundred events of all pockets between five accounts; returns whose they are."""
    chance = random.Random(4)
    users = [await anonymous(clock.ctx), *[await user(clock.ctx, f"u{i}", has=i * 10) for i in range(4)]]
    for _ in range(100):
        giver, taker = chance.sample(users, 2)
        amount, held = chance.randrange(30_000), chance.randrange(3_000)
        moves = [
            Move(user_id=giver.id, spendable=-amount - held, held=held),
            Move(user_id=taker.id, spendable=chance.choice([0, amount // 2, amount, 2 * amount]), escrow=amount // 3),
        ]
        await enter(clock, event(*moves))
    return users


async def test_sum_of_all_balances_is_zero_after_any_run(clock: Clock) -> None:
    await some_events(clock)

    assert await sum_of_balances(clock.ctx) == 0


async def test_pockets_are_the_sums_of_the_postings_and_what_the_last_one_left(clock: Clock) -> None:
    users = await some_events(clock)

    sums, chain = await look(clock.ctx, REMEMBERED), await look(clock.ctx, LAST_AFTER)

    assert len(sums) == len(chain) == len(users)
    for row in sums:
        assert (row["spendable_mk"], row["held_mk"], row["escrow_mk"], row["lifted_mk"]) == (
            row["spendable"], row["held"], row["escrow"], row["lifted"],
        )  # fmt: skip
    for row in chain:
        assert (row["spendable_mk"], row["held_mk"], row["escrow_mk"]) == (
            row["spendable_after"], row["held_after"], row["escrow_after"],
        )  # fmt: skip


async def test_account_that_falls_below_its_floor_is_lifted_by_the_mint(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    await enter(clock, event(Move(user_id=ada.id, spendable=-9_000)))

    assert await has(clock.ctx, ada) == 14_000
    [row] = await look(
        clock.ctx, "SELECT lifted_mk FROM ledger_postings ORDER BY event_seq DESC, lifted_mk DESC LIMIT 1"
    )
    assert row["lifted_mk"] == 3_000
    assert await sum_of_balances(clock.ctx) == 0


async def test_moves_of_one_account_are_one_posting(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    await enter(clock, event(Move(user_id=ada.id, spendable=-3_000, held=3_000), Move(user_id=ada.id, spendable=500)))

    found = await purse(clock.ctx, ada)
    assert (found.spendable_mk, found.held_mk) == (17_500, 3_000)
    assert await sum_of_balances(clock.ctx) == 0


async def test_event_that_moves_nothing_is_not_written(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)
    before = await everything(clock.ctx)

    await enter(clock, event(Move(user_id=ada.id)))

    assert await everything(clock.ctx) == before


@pytest.mark.parametrize("table", ["ledger_events", "ledger_postings"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_ledger_rows_cannot_be_changed(clock: Clock, table: str, statement: str) -> None:
    await user(clock.ctx, has=20)
    before = await everything(clock.ctx)
    statement = statement.replace("at = now()", "lifted_mk = 1" if table == "ledger_postings" else "at = now()")

    with pytest.raises(asyncpg.RaiseError, match="never changed: post a compensating event"):
        await change(clock.ctx, statement.format(table))

    assert await everything(clock.ctx) == before


async def test_database_refuses_an_event_that_does_not_sum_to_zero(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)
    crooked = """
    INSERT INTO ledger_postings (account_id, event_seq, spendable_mk, held_mk, escrow_mk, lifted_mk)
    SELECT a.id, (SELECT max(seq) FROM ledger_events) + 1, 5, 0, 0, 0 FROM ledger_accounts AS a WHERE a.user_id = $1
    """

    with pytest.raises(asyncpg.CheckViolationError, match="do not sum to zero"):
        await change(clock.ctx, crooked, user_id=ada.id)


async def test_database_refuses_a_balance_below_its_floor(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    with pytest.raises(asyncpg.CheckViolationError):
        await change(clock.ctx, "UPDATE ledger_accounts SET spendable_mk = 13999 WHERE user_id = $1", user_id=ada.id)


async def test_event_is_entered_once_ever(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)
    once = event(Move(user_id=ada.id, spendable=5_000))
    await enter(clock, once)

    with pytest.raises(Overloaded):
        await enter(clock, event(Move(user_id=ada.id, spendable=1_000)), once)

    assert await has(clock.ctx, ada) == 25_000


async def test_events_are_numbered_in_the_order_in_which_they_were_entered(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    await enter(clock, *[event(Move(user_id=ada.id, spendable=1_000), note=str(place)) for place in range(50)])

    notes = await look(clock.ctx, "SELECT note FROM ledger_events WHERE note IS NOT NULL ORDER BY seq")
    assert [row["note"] for row in notes] == [str(place) for place in range(50)]


async def test_totals_count_what_was_moved_by_name(clock: Clock) -> None:
    ada = await user(clock.ctx, has=0)

    await enter(clock, event(Move(user_id=ada.id, spendable=5_000, total="received")))
    await enter(clock, event(Move(user_id=ada.id, spendable=-2_000, total="gifted")))
    await enter(clock, event(Move(user_id=ada.id, spendable=-1_000, total="gifted")))

    found = await purse(clock.ctx, ada)
    assert found.totals == {"received": 5_000, "gifted": -3_000}


async def test_grant_takes_no_more_than_there_is_above_the_floor(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)

    async with clock.ctx.database.transaction() as tx:
        await grant(tx, uuid.uuid4(), ada.id, Kudos(-100_000), now=clock.now)

    assert await has(clock.ctx, ada) == 14_000
    assert await one(clock.ctx, "SELECT sum(lifted_mk) FROM ledger_postings WHERE event_seq > 2") == 0


@pytest.mark.parametrize(("is_pseudonymous", "floor"), [(True, 14_000), (False, 25_000)])
async def test_account_opens_at_its_floor(clock: Clock, is_pseudonymous: bool, floor: int) -> None:
    ada = await user(clock.ctx, has=0, is_pseudonymous=is_pseudonymous)

    found = await purse(clock.ctx, ada)

    assert (found.own, found.available, found.accumulated) == (floor, 0, floor)
    assert await sum_of_balances(clock.ctx) == 0


async def test_opening_an_account_twice_keeps_what_is_in_it(clock: Clock) -> None:
    ada = await user(clock.ctx, has=20)
    before = await everything(clock.ctx)

    async with clock.ctx.database.transaction() as tx:
        await open_account(tx, ada.id, is_pseudonymous=True, now=clock.now)

    assert await everything(clock.ctx) == before


async def test_book_of_nobody_has_nothing_to_post(clock: Clock) -> None:
    before = await everything(clock.ctx)

    await enter(clock)

    assert await everything(clock.ctx) == before
