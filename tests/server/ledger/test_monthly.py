"""Monthly kudos come on the same day each month, each month once."""

import asyncio
import calendar
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.errors import UserNotFound
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.monthly import months_after, pay_monthly, set_monthly
from horde.server.ledger.verify import Flaw, verify
from horde.units import Kudos, kudos
from tests.plugins.hordes import Clock
from tests.server.builders import change, has, nodes, purse, user


async def setting(ctx: Context, owner: User, amount: float) -> None:
    async with ctx.database.transaction() as tx:
        await set_monthly(tx, owner.id, kudos(amount), ctx.now)


async def got(ctx: Context, owner: User) -> float:
    """The whole kudos that came monthly."""
    return (await purse(ctx, owner)).totals.get("recurring", 0) / 1000


async def paid(ctx: Context, owner: User, *moments: datetime) -> list[float]:
    """What came in altogether by each moment, when the duty is done then."""
    found = []
    for moment in moments:
        await pay_monthly(Context(ctx.services, moment))
        found.append(await got(ctx, owner))
    return found


def on(clock: Clock, *date: int) -> Context:
    clock.now = datetime(*date, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day, and perhaps the hour
    return clock.ctx


def at(*date: int) -> datetime:
    return datetime(*date, tzinfo=UTC)  # type: ignore[arg-type, misc]  # as above


async def test_amount_is_paid_at_once_and_on_the_same_day_of_each_month(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15, 12), "Ada")
    before = await has(clock.ctx, ada)

    await setting(clock.ctx, ada, 10)

    assert await has(clock.ctx, ada) == before + 10_000
    moments = (at(2026, 2, 15, 11), at(2026, 2, 15, 12), at(2026, 3, 15, 11), at(2026, 3, 15, 13))
    assert await paid(clock.ctx, ada, *moments) == [10, 20, 20, 30]
    assert not isinstance(await verify(clock.ctx.database), Flaw)


async def test_last_day_of_a_month_stays_the_last_day(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 31), "Ada")
    await setting(clock.ctx, ada, 10)

    moments = (at(2026, 2, 27), at(2026, 2, 28), at(2026, 3, 28), at(2026, 3, 31), at(2026, 4, 29), at(2026, 4, 30))

    assert await paid(clock.ctx, ada, *moments) == [10, 20, 20, 30, 30, 40]


async def test_months_without_a_server_are_paid_afterwards(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada")
    await setting(clock.ctx, ada, 10)

    assert await paid(clock.ctx, ada, at(2026, 4, 20), at(2026, 4, 20), at(2026, 5, 15)) == [40, 40, 50]


async def test_years_without_a_server_are_paid_in_rounds(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada")
    await setting(clock.ctx, ada, 10)

    assert await paid(clock.ctx, ada, *[at(2027, 6, 1)] * 3) == [130, 170, 170]


async def test_several_nodes_pay_a_month_once(clock: Clock) -> None:
    owners = [await user(on(clock, 2026, 1, 15), name) for name in ("Ada", "Bob", "Cleo")]
    for owner in owners:
        await setting(clock.ctx, owner, 10)
    on(clock, 2026, 2, 16)

    async with nodes(clock.ctx, 3) as all_nodes:
        counts = await asyncio.gather(*(pay_monthly(node) for node in all_nodes))

    assert sum(counts) == 3
    assert [await got(clock.ctx, owner) for owner in owners] == [20, 20, 20]


async def test_same_amount_set_again_is_not_paid_again(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada")

    for _ in range(2):
        await setting(clock.ctx, ada, 10)

    assert await got(clock.ctx, ada) == 10


@pytest.mark.parametrize(("amount", "expected"), [(30, [30, 60]), (4, [10, 14])])
async def test_what_an_amount_is_raised_by_is_paid_at_once_and_the_day_stays(
    clock: Clock, amount: int, expected: list[float]
) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada")
    await setting(clock.ctx, ada, 10)

    await setting(on(clock, 2026, 1, 20), ada, amount)

    assert await paid(clock.ctx, ada, at(2026, 2, 14), at(2026, 2, 15)) == expected


async def test_nothing_comes_any_more_when_the_amount_is_zero(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada")
    await setting(clock.ctx, ada, 10)

    await setting(clock.ctx, ada, 0)

    assert await paid(clock.ctx, ada, at(2026, 2, 16), at(2027, 2, 16)) == [10, 10]


async def test_moderators_get_theirs_besides(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada", is_moderator=True)

    assert await paid(clock.ctx, ada, at(2026, 1, 15), at(2026, 2, 14), at(2026, 2, 15)) == [
        300_000, 300_000, 600_000
    ]  # fmt: skip
    await setting(on(clock, 2026, 2, 20), ada, 10)
    assert await paid(clock.ctx, ada, at(2026, 3, 14), at(2026, 3, 15)) == [600_010, 900_020]


async def test_months_in_which_somebody_was_no_moderator_are_not_paid(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada", is_moderator=True)
    assert await paid(clock.ctx, ada, clock.now) == [300_000]
    await change(clock.ctx, "UPDATE users SET is_moderator = false WHERE id = $1", id=ada.id)
    assert await paid(clock.ctx, ada, at(2026, 2, 16), at(2026, 6, 16)) == [300_000, 300_000]

    await change(clock.ctx, "UPDATE users SET is_moderator = true WHERE id = $1", id=ada.id)

    assert await paid(clock.ctx, ada, at(2026, 6, 20), at(2026, 7, 19), at(2026, 7, 20)) == [
        600_000, 600_000, 900_000
    ]  # fmt: skip


async def test_who_ceases_to_be_a_moderator_for_a_day_is_not_paid_twice(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada", is_moderator=True)
    assert await paid(clock.ctx, ada, clock.now) == [300_000]

    for value in ("false", "true"):
        await change(clock.ctx, f"UPDATE users SET is_moderator = {value} WHERE id = $1", id=ada.id)
        assert await paid(clock.ctx, ada, at(2026, 1, 16)) == [300_000]


async def test_deleted_account_gets_nothing(clock: Clock) -> None:
    ada = await user(on(clock, 2026, 1, 15), "Ada")
    await setting(clock.ctx, ada, 10)
    await change(clock.ctx, "UPDATE users SET deleted_at = $2 WHERE id = $1", id=ada.id, now=clock.now)

    assert await paid(clock.ctx, ada, at(2026, 2, 16)) == [10]


async def test_amount_of_nobody_cannot_be_set(clock: Clock) -> None:
    with pytest.raises(UserNotFound):
        async with clock.ctx.database.transaction() as tx:
            await set_monthly(tx, 12345, Kudos(1), clock.now)


@given(
    start=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2400, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone is beside
    months=st.integers(min_value=0, max_value=2000),
)
def test_so_many_months_later_is_the_same_day_or_the_last_one(start: datetime, months: int) -> None:
    found = months_after(start, months)

    assert (found.year - start.year) * 12 + found.month - start.month == months
    assert found.timetz() == start.timetz()
    is_last = (found + timedelta(days=1)).month != found.month
    assert found.day == start.day or (found.day < start.day and is_last)
    assert found.day <= calendar.monthrange(found.year, found.month)[1]
