"""The ledger can be checked from its postings alone, and the first event that does not add up is named."""

import pytest

from horde.server.context import Context
from horde.server.ledger.verify import Flaw, Sums
from horde.server.status.books import verify_books
from tests.plugins.hordes import Clock
from tests.server.builders import everything, look, one
from tests.server.ledger.bookkeeping import Busy, busy, seq_of, tamper

REBUILT = """
SELECT a.id, a.spendable_mk - sum(p.spendable_mk) AS spendable, a.held_mk - sum(p.held_mk) AS held,
    a.escrow_mk - sum(p.escrow_mk) AS escrow, a.lifted_mk - sum(p.lifted_mk) AS lifted
FROM ledger_accounts AS a
JOIN ledger_postings AS p ON p.account_id = a.id
WHERE a.user_id IS NOT NULL
GROUP BY a.id
"""
ADAS = "account_id = (SELECT id FROM ledger_accounts WHERE user_id = {ada})"
GIFT = "event_seq = {gift}"
TAMPERED = {
    "a posting's amount was changed": (
        f"UPDATE ledger_postings SET spendable_mk = spendable_mk - 1 WHERE {GIFT} AND {ADAS}",
        "its postings sum to -0.001 instead of 0.000",
    ),
    "a posting was deleted": (
        f"DELETE FROM ledger_postings WHERE {GIFT} AND {ADAS}",
        "its postings sum to 5.000 instead of 0.000",
    ),
    "a balance in the chain was changed": (
        f"UPDATE ledger_postings SET spendable_after_mk = spendable_after_mk + 9 WHERE {GIFT} AND {ADAS}",
        "after it Ada#1 should have ",
    ),
    "an amount was moved to another pocket": (
        f"UPDATE ledger_postings SET held_mk = held_mk - 5, spendable_mk = spendable_mk + 5 WHERE {GIFT} AND {ADAS}",
        "after it Ada#1 should have ",
    ),
    "all postings were deleted": (f"DELETE FROM ledger_postings WHERE {GIFT}", "it has no postings"),
    "the event was deleted": ("DELETE FROM ledger_events WHERE seq = {gift}", "the event is missing"),
    "an account was given spendable kudos": (
        "UPDATE ledger_accounts SET spendable_mk = spendable_mk + 1000 WHERE user_id = {ada}",
        "it is the last of Ada#1, whose postings sum to ",
    ),
    "an account was given escrow": (
        "UPDATE ledger_accounts SET escrow_mk = escrow_mk + 1000 WHERE user_id = {ada}",
        "whose postings sum to 0.000 in escrow; the account says 1.000",
    ),
    "an account was said to be lifted": (
        "UPDATE ledger_accounts SET lifted_mk = 0 WHERE user_id = {ada}",
        "it is the last of Ada#1, whose postings sum to 14.000 lifted; the account says 0.000",
    ),
    "a total was changed": (
        "UPDATE ledger_totals SET amount_mk = 0 WHERE name = 'gifted'",
        "it is the last that counts for Ada#1 as given, which sums to -5.000; its total says 0.000",
    ),
    "what a request holds was changed": (
        "UPDATE requests SET held_mk = 0 WHERE held_mk > 0",
        "it is the last of Ada#1, for whose requests 0.000 are held; the account holds 23.000",
    ),
}


async def checked(ctx: Context) -> Sums | Flaw:
    return await verify_books(ctx.database)


async def flaw(ctx: Context) -> Flaw:
    found = await checked(ctx)
    assert isinstance(found, Flaw), f"all adds up: {found}"
    return found


async def happened(clock: Clock) -> tuple[Busy, dict[str, int]]:
    """A busy ledger whose last event is a gift of Ada's, and what names the two."""
    books = await busy(clock.ctx)
    return books, {"gift": await seq_of(clock.ctx, books.gift), "ada": books.ada.id}


async def test_empty_ledger_adds_up(clock: Clock) -> None:
    found = await checked(clock.ctx)

    assert isinstance(found, Sums)
    assert (found.minted_mk, found.in_accounts_mk) == (0, 0)


async def test_clean_ledger_adds_up_and_says_how_much_there_is(clock: Clock) -> None:
    await busy(clock.ctx)

    found = await checked(clock.ctx)

    assert isinstance(found, Sums), found
    assert found.minted_mk == found.burnt_mk + found.in_accounts_mk > 0
    assert (found.accounts, found.held_mk) == (3, 23_000)
    assert found.events == await one(clock.ctx, "SELECT count(*) FROM ledger_events")
    assert found.postings == await one(clock.ctx, "SELECT count(*) FROM ledger_postings")


async def test_balances_can_be_rebuilt_from_the_postings_alone(clock: Clock) -> None:
    await busy(clock.ctx)

    rebuilt = await look(clock.ctx, REBUILT)

    assert len(rebuilt) == 3
    assert all(row[pocket] == 0 for row in rebuilt for pocket in ("spendable", "held", "escrow", "lifted"))


@pytest.mark.parametrize("what", TAMPERED)
async def test_tampering_is_found_and_its_event_named(clock: Clock, what: str) -> None:
    books, names = await happened(clock)
    statement, reason = TAMPERED[what]

    await tamper(clock.ctx, statement.format(**names))

    found = await flaw(clock.ctx)
    assert (found.seq, reason in found.reason) == (names["gift"], True), found
    if "event is missing" in reason:
        assert (found.id, found.kind, found.at) == (None, None, None)
    else:
        assert (found.id, found.kind, found.at) == (books.gift, "gift", clock.now)


async def test_account_below_its_floor_is_found(clock: Clock) -> None:
    _, names = await happened(clock)
    row, ada = f"event_seq = {names['gift']}", ADAS.format(**names)

    # As if she had given all but one kudos to nobody: only the floor was broken.
    await tamper(
        clock.ctx,
        f"""
        UPDATE ledger_postings AS p
        SET spendable_mk = p.spendable_mk + bob.taken, spendable_after_mk = p.spendable_after_mk + bob.taken
        FROM (SELECT 1000 - spendable_after_mk AS taken FROM ledger_postings WHERE {row} AND {ada}) AS bob
        WHERE {row} AND {ada}
        """,
        f"""
        INSERT INTO ledger_postings (account_id, event_seq, spendable_mk, held_mk, escrow_mk, lifted_mk)
        SELECT a.id, {names["gift"]}, -p.surplus, 0, 0, 0
        FROM ledger_accounts AS a
        CROSS JOIN (SELECT sum(spendable_mk) AS surplus FROM ledger_postings WHERE {row}) AS p
        WHERE a.system_name = 'burn'
        """,
    )

    found = await flaw(clock.ctx)
    assert (found.seq, found.reason) == (
        names["gift"], "after it Ada#1 has 1.000 spendable, and may not have less than 14.000"
    )  # fmt: skip


async def test_account_that_was_deleted_is_found_by_its_first_event(clock: Clock) -> None:
    _, names = await happened(clock)

    await tamper(clock.ctx, "DELETE FROM ledger_accounts WHERE user_id = {ada}".format(**names))

    found = await flaw(clock.ctx)
    assert (found.kind, "which is missing" in found.reason) == ("opening", True)


async def test_first_of_several_events_is_named(clock: Clock) -> None:
    books, names = await happened(clock)
    ada = ADAS.format(**names)
    opening = f"event_seq = (SELECT min(event_seq) FROM ledger_postings WHERE {ada})"

    await tamper(
        clock.ctx,
        f"UPDATE ledger_postings SET escrow_mk = 7 WHERE event_seq = {names['gift']}",
        f"UPDATE ledger_postings SET spendable_after_mk = 7 WHERE {opening} AND {ada}",
    )

    found = await flaw(clock.ctx)
    assert found.kind == "opening"
    assert found.reason == "after it Ada#1 should have 14.000 spendable, by the posting before it, and has 0.007"
    assert found.id != books.gift


async def test_event_that_was_deleted_whole_breaks_the_chain_at_the_next_one(clock: Clock) -> None:
    books = await busy(clock.ctx)
    request = f"(SELECT seq FROM ledger_events WHERE id = '{books.paid}')"

    await tamper(
        clock.ctx,
        f"DELETE FROM ledger_postings WHERE event_seq = {request}",
        f"DELETE FROM ledger_events WHERE seq = {request}",
    )

    found = await flaw(clock.ctx)
    assert found.kind == "job"
    assert "after it Ada#1 should have" in found.reason


async def test_account_without_an_event_that_holds_something_is_found(clock: Clock) -> None:
    await tamper(clock.ctx, "UPDATE ledger_accounts SET spendable_mk = 3000 WHERE user_id = 0")

    found = await flaw(clock.ctx)

    assert (found.seq, found.id) == (None, None)
    assert "whose postings sum to 0.000 spendable; the account says 3.000" in found.reason


async def test_checking_changes_nothing(clock: Clock) -> None:
    await busy(clock.ctx)
    before = await everything(clock.ctx)

    await checked(clock.ctx)

    assert await everything(clock.ctx) == before
