"""Kudos that are given: once, by who has them, to who may have them."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from horde.errors import (
    DeletedPartner,
    DeletedUser,
    EducationCannotSendKudos,
    FaultWhenKudosReceiving,
    FaultWhenKudosSending,
    HordeError,
    IdempotencyKeyConflict,
    InvalidAwardUsername,
    InvalidKudosTransferAmount,
    InvalidTargetUsername,
    KudosAwardToAnon,
    KudosTransferFromAnon,
    KudosTransferNotEnough,
    KudosTransferToAnon,
    KudosTransferToSelf,
    NegativeKudosTransfer,
    NotAllowedAwards,
    SourceAccountFlagged,
    TargetAccountFlagged,
    TooFastKudosTransfers,
)
from horde.errors.sharing import SharedKeyExpired
from horde.server.accounts.sharedkeys import KeyChanges, change_shared_key, share, shared_key
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.ledger.book import Book
from horde.server.ledger.gifts import award, transfer
from horde.server.ledger.jobs import ask as ask_for_job
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, change, everything, has, nodes, purse, sum_of_balances, user

FLAGS = "UPDATE users SET {} WHERE id = $1"


def key(source: User, text: str = "once", body: bytes = b"the same") -> Key:
    return Key.of(source, text, route="POST /here", body=body, address="")


async def set_user(ctx: Context, subject: User, column: str) -> None:
    await change(ctx, FLAGS.format(column), id=subject.id)


async def outcome(
    ctx: Context, source: User, target: str, amount: int, once: Key | None = None
) -> type[HordeError] | int:
    try:
        return await transfer(ctx, source, target, amount, once)
    except HordeError as refusal:
        return type(refusal)


async def test_gift_moves_kudos_and_is_counted_on_both_sides(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=50)

    assert await transfer(clock.ctx, ada, bob.alias, 30) == kudos(30)

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (kudos(70), kudos(80))
    assert (await purse(clock.ctx, ada)).totals["gifted"] == -kudos(30)
    assert (await purse(clock.ctx, bob)).totals["received"] == kudos(30)
    assert await sum_of_balances(clock.ctx) == 0


async def test_gift_to_education_is_a_donation_and_an_id_alone_names_somebody(clock: Clock) -> None:
    ada, school = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "School")
    await set_user(clock.ctx, school, "is_education = true")

    await transfer(clock.ctx, ada, str(school.id), 30)

    assert (await purse(clock.ctx, ada)).totals == {"admin": kudos(86), "donated": -kudos(30)}


@pytest.mark.parametrize(
    ("source", "target", "amount", "refusal"),
    [
        ("", "", 10, None),
        ("", "", 75, None),
        ("", "", 76, KudosTransferNotEnough),
        ("", "", 0, InvalidKudosTransferAmount),
        ("", "", -10, NegativeKudosTransfer),
        ("suspicion = 5, is_trusted = false", "", 10, FaultWhenKudosSending),
        ("suspicion = 5, is_trusted = true", "", 10, None),
        ("is_flagged = true", "", 10, SourceAccountFlagged),
        ("is_education = true", "", 10, EducationCannotSendKudos),
        ("", "suspicion = 5", 10, FaultWhenKudosReceiving),
        ("", "is_flagged = true", 10, TargetAccountFlagged),
        ("deleted_at = now()", "", 10, DeletedPartner),
        ("", "deleted_at = now()", 10, DeletedPartner),
        # Of two reasons the first in the contract's order is told.
        ("is_flagged = true, suspicion = 5", "", 10, FaultWhenKudosSending),
        ("is_education = true, is_flagged = true", "", 10, SourceAccountFlagged),
        ("is_education = true", "is_flagged = true", 10, EducationCannotSendKudos),
        ("", "is_flagged = true, suspicion = 9", 10, FaultWhenKudosReceiving),
        ("", "is_flagged = true, deleted_at = now()", 10, TargetAccountFlagged),
        ("", "deleted_at = now()", -10, DeletedPartner),
    ],
)
async def test_refusal_of_a_gift_tells_its_first_reason_and_moves_nothing(
    clock: Clock, source: str, target: str, amount: int, refusal: type[HordeError] | None
) -> None:
    ada = await user(clock.ctx, "Ada", has=100, is_pseudonymous=False)
    bob = await user(clock.ctx, "Bob", has=100)
    for subject, columns in ((ada, source), (bob, target)):
        if columns:
            await set_user(clock.ctx, subject, columns)
    before = await everything(clock.ctx)

    got = await outcome(clock.ctx, ada, bob.alias, amount)

    assert got == (refusal or kudos(amount))
    assert (await everything(clock.ctx) == before) == (refusal is not None)


@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ("Anonymous#0", KudosTransferToAnon),
        ("0", KudosTransferToAnon),
        ("Ada#{ada}", KudosTransferToSelf),
        ("{ada}", KudosTransferToSelf),
        ("Nobody#{ada}", InvalidTargetUsername),
        ("Nobody#999", InvalidTargetUsername),
        ("999", InvalidTargetUsername),
        ("Ada", InvalidTargetUsername),
        ("", InvalidTargetUsername),
        ("01", InvalidTargetUsername),
        ("6a7b2d3e-7c1a-4a8e-9d65-0d2d9d2f1a11", InvalidTargetUsername),
    ],
)
async def test_gift_needs_somebody_else_who_is_named_rightly(
    clock: Clock, target: str, refusal: type[HordeError]
) -> None:
    ada = await user(clock.ctx, "Ada")

    assert await outcome(clock.ctx, ada, target.format(ada=ada.id), 10) is refusal


async def test_name_with_odd_letters_may_be_written_as_its_owner_did_and_as_it_is_shown(clock: Clock) -> None:
    ada, bob = await user(clock.ctx), await user(clock.ctx, "Bob & <Co>")

    assert await outcome(clock.ctx, ada, f"Bob & <Co>#{bob.id}", 10) == kudos(10)
    assert await outcome(clock.ctx, ada, bob.alias, 10) == kudos(10)
    assert await outcome(clock.ctx, ada, f"Bob & Co#{bob.id}", 10) is InvalidTargetUsername


async def test_anonymous_account_gives_nothing_whatever_else_is_wrong(clock: Clock) -> None:
    assert await outcome(clock.ctx, await anonymous(clock.ctx), "Nobody#999", -1) is KudosTransferFromAnon


async def test_who_was_given_kudos_waits_a_minute_before_giving_back(clock: Clock) -> None:
    ada, bob, eve = [await user(clock.ctx, name) for name in ("Ada", "Bob", "Eve")]
    await transfer(clock.ctx, ada, bob.alias, 10)
    await set_user(clock.ctx, bob, "is_flagged = true")
    assert (
        await outcome(clock.move(seconds=59), bob, ada.alias, 10) is TooFastKudosTransfers
    )  # before SourceAccountFlagged
    await set_user(clock.ctx, bob, "is_flagged = false")
    assert await outcome(clock.ctx, bob, eve.alias, 10) == kudos(10)
    assert await outcome(clock.ctx, ada, bob.alias, 10) == kudos(10)

    clock.move(seconds=61)

    assert await outcome(clock.ctx, bob, ada.alias, 10) == kudos(10)


async def test_what_is_held_or_below_the_floor_is_not_given(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob")
    async with clock.ctx.database.transaction() as tx:
        book = await Book.open(tx, [ada.id])
        ask_for_job(book, uuid4(), ada.id, tax=kudos(0), held=kudos(50))
        await book.post(clock.now)

    assert (
        await outcome(clock.ctx, ada, bob.alias, 37) is KudosTransferNotEnough
    )  # 100 less 50 held less the floor of 14
    assert await outcome(clock.ctx, ada, bob.alias, 36) == kudos(36)


async def test_repeated_gift_is_answered_again_and_moves_nothing(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=0)
    first = await transfer(clock.ctx, ada, bob.alias, 60, key(ada))
    await set_user(clock.ctx, ada, "is_flagged = true")  # nothing that happened since refuses what was done

    assert await transfer(clock.move(minutes=1), ada, bob.alias, 60, key(ada)) == first

    assert await has(clock.ctx, ada) == kudos(40)


async def test_other_gift_with_a_used_key_is_a_conflict(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob")
    await transfer(clock.ctx, ada, bob.alias, 60, key(ada))
    other = key(ada, body=b"another")

    # Before "not enough", after all else.
    assert await outcome(clock.ctx, ada, bob.alias, 10_000, other) is IdempotencyKeyConflict
    assert await outcome(clock.ctx, ada, bob.alias, 0, other) is InvalidKudosTransferAmount
    assert await outcome(clock.ctx, bob, ada.alias, 1, key(bob)) is TooFastKudosTransfers


async def test_refused_gift_leaves_its_key_free(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob")
    assert await outcome(clock.ctx, ada, bob.alias, 1000, key(ada)) is KudosTransferNotEnough

    assert await outcome(clock.ctx, ada, bob.alias, 10, key(ada)) == kudos(10)


async def test_same_gift_twice_at_once_is_given_once(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=1000), await user(clock.ctx, "Bob")
    async with nodes(clock.ctx, 2) as ctxs:
        once = [outcome(ctxs[i % 2], ada, bob.alias, 10, key(ada)) for i in range(20)]
        assert await asyncio.gather(*once) == [kudos(10)] * 20

    assert await has(clock.ctx, ada) == kudos(990)


async def test_of_a_thousand_gifts_at_once_as_many_succeed_as_can_be_afforded(clock: Clock) -> None:
    ada = await user(clock.ctx, "Ada", has=14 + 7 * 123 + 6)
    friends = [await user(clock.ctx, f"Friend {i}", has=14) for i in range(5)]
    async with nodes(clock.ctx, 2) as ctxs:
        calls = [outcome(ctxs[i % 2], ada, friends[i % 5].alias, 7) for i in range(1000)]
        got = await asyncio.gather(*calls)

    assert (got.count(kudos(7)), got.count(KudosTransferNotEnough)) == (123, 877)
    assert await has(clock.ctx, ada) == kudos(14 + 6)
    assert sum([await has(clock.ctx, friend) for friend in friends]) == kudos(5 * 14 + 7 * 123)
    assert await sum_of_balances(clock.ctx) == 0


async def test_gifts_in_all_directions_at_once_never_wait_in_a_ring(clock: Clock) -> None:
    people = [await user(clock.ctx, f"Friend {i}", has=10_000) for i in range(6)]
    async with nodes(clock.ctx, 3) as ctxs:
        pairs = [(ctx, a, b) for ctx in ctxs for a in people for b in people if a is not b] * 3
        got = await asyncio.gather(*(outcome(ctx, a, b.alias, 1) for ctx, a, b in pairs))

    # A ring would be broken by the database and told as Overloaded.
    assert set(got) == {kudos(1), TooFastKudosTransfers}
    assert sum([await has(clock.ctx, friend) for friend in people]) == kudos(60_000)


@pytest.mark.parametrize("count", [1, 2])
async def test_of_two_who_give_each_other_at_once_one_is_too_fast(clock: Clock, count: int) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    async with nodes(clock.ctx, count) as ctxs:
        got = await asyncio.gather(outcome(ctxs[0], ada, bob.alias, 1), outcome(ctxs[-1], bob, ada.alias, 1))

    assert set(got) == {kudos(1), TooFastKudosTransfers}


# ----------------------------------------------------------------------------------------------- awards
async def test_award_comes_out_of_nothing_and_is_counted(clock: Clock) -> None:
    boss = await user(clock.ctx, "Boss", has=50, is_admin=True)
    bob = await user(clock.ctx, "Bob", has=20)

    assert await award(clock.ctx, boss, bob.alias, 500) == kudos(500)

    assert (await has(clock.ctx, boss), await has(clock.ctx, bob)) == (kudos(50), kudos(520))
    assert (await purse(clock.ctx, bob)).totals["awarded"] == kudos(500)
    assert await sum_of_balances(clock.ctx) == 0


@pytest.mark.parametrize(("is_pseudonymous", "may"), [(False, True), (True, False)])
async def test_first_account_awards_only_if_the_operator_made_it(
    clock: Clock, is_pseudonymous: bool, may: bool
) -> None:
    first = await user(clock.ctx, "First", is_pseudonymous=is_pseudonymous)
    bob = await user(clock.ctx, "Bob", is_moderator=True)
    assert first.id == 1

    if may:
        await award(clock.ctx, first, bob.alias, 1)
    else:
        with pytest.raises(NotAllowedAwards):
            await award(clock.ctx, first, bob.alias, 1)
    with pytest.raises(NotAllowedAwards):
        await award(clock.ctx, bob, first.alias, 1)


@pytest.mark.parametrize(
    ("target", "columns", "amount", "refusal"),
    [
        ("Nobody#7", "", 10, InvalidAwardUsername),
        ("Anonymous#0", "", 10, KudosAwardToAnon),
        ("{bob}", "is_flagged = true", 10, TargetAccountFlagged),
        ("{bob}", "", -10, NegativeKudosTransfer),
        ("{bob}", "", 0, InvalidKudosTransferAmount),
        ("{bob}", "", 10**13, InvalidKudosTransferAmount),
    ],
)
async def test_refused_award_moves_nothing(
    clock: Clock, target: str, columns: str, amount: int, refusal: type[HordeError]
) -> None:
    boss, bob = await user(clock.ctx, "Boss", is_admin=True), await user(clock.ctx, "Bob")
    if columns:
        await set_user(clock.ctx, bob, columns)
    before = await everything(clock.ctx)

    with pytest.raises(refusal):
        await award(clock.ctx, boss, target.format(bob=bob.alias), amount)

    assert await everything(clock.ctx) == before


async def test_deleted_account_awards_nothing(clock: Clock) -> None:
    boss = replace(await user(clock.ctx, "Boss", is_admin=True), is_deleted=True)

    with pytest.raises(DeletedUser):
        await award(clock.ctx, boss, "Nobody#7", 1)


async def test_gift_to_a_shared_key_is_its_owners_and_may_be_spent_with_the_key(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=50)
    few, free = [await share(clock.ctx, bob, KeyChanges(kudos=kudos(limit))) for limit in (5, -1)]
    once = key(ada)

    for target in (few, free):
        assert await transfer(clock.ctx, ada, str(target.id), 30) == kudos(30)
    assert await outcome(clock.ctx, ada, str(few.id).upper(), 7, once) == kudos(7)
    assert await outcome(clock.ctx, ada, str(few.id).upper(), 7, once) == kudos(7)

    assert (await has(clock.ctx, ada), await has(clock.ctx, bob)) == (kudos(33), kudos(117))
    left = [(await shared_key(clock.ctx, str(target.id)))[0].left_mk for target in (few, free)]
    assert left == [kudos(42), None]


async def test_gift_to_a_shared_key_is_refused_as_one_to_its_owner(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=100), await user(clock.ctx, "Bob", has=50)
    target = await share(clock.ctx, bob, KeyChanges(kudos=kudos(5)))
    own = await share(clock.ctx, ada, KeyChanges())
    before = await everything(clock.ctx)

    assert await outcome(clock.ctx, ada, str(uuid4()), 1) is InvalidTargetUsername
    assert await outcome(clock.ctx, ada, str(own.id), 1) is KudosTransferToSelf
    assert await outcome(clock.ctx, ada, str(target.id), 87) is KudosTransferNotEnough
    assert await outcome(clock.ctx, ada, str(target.id), 0) is InvalidKudosTransferAmount
    assert await everything(clock.ctx) == before

    await change_shared_key(clock.ctx, bob, str(target.id), KeyChanges(days=0))
    assert await outcome(clock.ctx, ada, str(target.id), 1) is SharedKeyExpired
