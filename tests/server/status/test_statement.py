"""Who has the key reads what moved in the account, and nothing of anybody else's."""

from datetime import timedelta
from uuid import UUID

import pytest

from horde.errors import AnonForbidden
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.statement import Search
from horde.server.status.statement import Line, Statement, statement
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, asked, change, delivered, leased, user
from tests.server.ledger.bookkeeping import busy, gift

ANY = Search()


async def read(ctx: Context, owner: User, search: Search = ANY, limit: int = 50) -> Statement:
    return await statement(ctx, owner, search, limit=limit)


async def lines(ctx: Context, owner: User, search: Search = ANY) -> list[Line]:
    return (await read(ctx, owner, search)).lines


async def test_life_of_a_request_can_be_followed(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob", has=0)
    request_id = await asked(clock.ctx, ada, n=2, models=("stable_diffusion",))
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    told = [line.explanation for line in await lines(clock.ctx, ada, Search(request_id=UUID(request_id)))]

    assert told == [
        f"request {request_id}: paid 12.000 to worker Atlas",
        f"request {request_id}: reserved 24.000, paid 1.000 for asking",
    ]


async def test_balances_after_each_entry_lead_to_what_the_account_holds(clock: Clock) -> None:
    books = await busy(clock.ctx)

    found = await read(clock.ctx, books.ada)

    spendable = held = 0
    for line in reversed(found.lines):
        spendable, held = spendable + line.entry.spendable_mk, held + line.entry.held_mk
        assert (line.entry.spendable_after_mk, line.entry.held_after_mk) == (spendable, held)
    assert (found.balance.spendable_mk, found.balance.held_mk) == (spendable, held)


async def test_owner_of_a_worker_is_not_told_who_asked(clock: Clock) -> None:
    books = await busy(clock.ctx)

    [job] = await lines(clock.ctx, books.bob, Search(kind="job"))

    assert job.explanation.startswith(f"job {job.entry.job_id}: earned 8.250 by worker Atlas, ")
    assert job.entry.others == []
    assert books.ada.alias not in repr(job)


async def test_both_sides_of_a_gift_name_each_other(clock: Clock) -> None:
    books = await busy(clock.ctx)

    [given] = await lines(clock.ctx, books.ada, Search(kind="gift"))
    [got] = await lines(clock.ctx, books.bob, Search(kind="gift"))

    assert (given.explanation, got.explanation) == ("gave 5.000 to Bob#2", "got 5.000 from Ada#1")


async def test_worker_that_was_deleted_is_not_named(clock: Clock) -> None:
    books = await busy(clock.ctx)
    # Nothing of it is left but the ledger.
    for table in ("worker_models WHERE worker_id", "jobs WHERE worker_id"):
        await change(clock.ctx, f"DELETE FROM {table} IN (SELECT id FROM workers)")
    await change(clock.ctx, "DELETE FROM workers")

    [job] = await lines(clock.ctx, books.bob, Search(kind="job"))

    assert "by a worker that is gone" in job.explanation


async def test_pages_hold_every_entry_once(clock: Clock) -> None:
    books = await busy(clock.ctx)
    whole = [line.entry.seq for line in await lines(clock.ctx, books.ada)]
    assert len(whole) >= 7

    pages: list[list[int]] = []
    before: int | None = None
    while not pages or before is not None:
        page = await read(clock.ctx, books.ada, Search(before=before), limit=2)
        pages.append([line.entry.seq for line in page.lines])
        before = page.next_before
        # What comes in meanwhile stands on a page that was turned already.
        await gift(clock.ctx, books.ada, books.bob, 1)

    assert [seq for page in pages for seq in page] == whole == sorted(whole, reverse=True)


async def test_only_what_moved_between_two_moments_is_shown(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada"), await user(clock.ctx, "Bob")
    moments = [clock.now]
    for _ in range(3):
        clock.move(days=1)
        moments.append(clock.now)
        await gift(clock.ctx, ada, bob, 1)

    found = await lines(clock.ctx, ada, Search(since=moments[1], until=moments[3]))

    assert [line.entry.at for line in found] == [moments[2], moments[1]]
    assert await lines(clock.ctx, ada, Search(since=moments[3] + timedelta(seconds=1))) == []


async def test_request_of_somebody_else_shows_nothing(clock: Clock) -> None:
    books = await busy(clock.ctx)

    assert await lines(clock.ctx, await user(clock.ctx, "Eve"), Search(request_id=UUID(books.waiting))) == []


async def test_anonymous_account_has_no_statement(clock: Clock) -> None:
    nobody = await anonymous(clock.ctx)

    with pytest.raises(AnonForbidden, match="is everybody's"):
        await read(clock.ctx, nobody)
