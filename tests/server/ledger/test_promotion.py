"""Who served well for a while is trusted, and what was kept back can be spent."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from horde.server.accounts.keys import authenticate
from horde.server.accounts.register import register
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.balance import Balance
from horde.server.ledger.book import Move
from horde.server.ledger.promotion import promote
from horde.server.ledger.verify import Flaw, verify
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import asked, change, delivered, leased, nodes, one, purse, seldom_looking, user
from tests.server.ledger.bookkeeping import enter


def with_threshold(ctx: Context, threshold: float | None) -> Context:
    settings = msgspec.structs.replace(ctx.services.settings, kudos_trust_threshold=threshold)
    return replace(ctx, services=replace(ctx.services, settings=settings))


async def earner(ctx: Context, escrow: float = 100, name: str = "Ada") -> User:
    """An account with so much in escrow."""
    found = await user(ctx, name, has=0)
    await enter(ctx, Move(user_id=found.id, escrow=kudos(escrow)), kind="uptime")
    return found


async def is_trusted(ctx: Context, owner: User) -> bool:
    return bool(await one(ctx, "SELECT is_trusted FROM users WHERE id = $1", id=owner.id))


def pockets(found: Balance) -> tuple[int, int]:
    return found.spendable_mk - found.floor_mk, found.escrow_mk


async def test_account_with_more_than_the_threshold_is_trusted_after_a_week(clock: Clock) -> None:
    ada = await earner(clock.ctx)

    assert await promote(with_threshold(clock.move(days=6, hours=23), 99)) == 0
    assert await promote(with_threshold(clock.move(hours=1), 99)) == 1

    assert await is_trusted(clock.ctx, ada)
    assert pockets(await purse(clock.ctx, ada)) == (100_000, 0)
    assert not isinstance(await verify(clock.ctx.database), Flaw)


@pytest.mark.parametrize("threshold", [None, 100])
async def test_nobody_is_trusted_for_no_more_than_the_threshold(clock: Clock, threshold: float | None) -> None:
    ada = await earner(clock.ctx)

    assert await promote(with_threshold(clock.move(days=8), threshold)) == 0

    assert not await is_trusted(clock.ctx, ada)
    assert pockets(await purse(clock.ctx, ada)) == (0, 100_000)


@pytest.mark.parametrize(
    ("what", "count"),
    [("suspicion = 5", 0), ("suspicion = 4", 1), ("is_flagged = true", 0), ("deleted_at = now()", 0)],
)
async def test_who_is_suspected_is_not_trusted_by_himself(clock: Clock, what: str, count: int) -> None:
    ada = await earner(clock.ctx)
    await change(clock.ctx, f"UPDATE users SET {what} WHERE id = $1", id=ada.id)

    assert await promote(with_threshold(clock.move(days=8), 1)) == count

    assert await is_trusted(clock.ctx, ada) is bool(count)


async def test_anonymous_account_is_never_trusted(clock: Clock) -> None:
    await enter(clock.ctx, Move(user_id=0, escrow=kudos(100)), kind="uptime")

    assert await promote(with_threshold(clock.move(days=8), 1)) == 0


async def test_escrow_of_an_account_that_is_trusted_already_is_freed(clock: Clock) -> None:
    ada = await earner(clock.ctx, escrow=1)
    await change(clock.ctx, "UPDATE users SET is_trusted = true WHERE id = $1", id=ada.id)

    assert [await promote(clock.ctx), await promote(clock.ctx)] == [1, 0]

    assert pockets(await purse(clock.ctx, ada)) == (1_000, 0)
    assert await one(clock.ctx, "SELECT count(*) FROM ledger_events WHERE kind = 'promotion'") == 1


async def test_two_nodes_free_the_same_escrow_once(clock: Clock) -> None:
    ada = await earner(clock.ctx)
    clock.move(days=8)

    async with nodes(with_threshold(clock.ctx, 1), 2) as both:
        counts = await asyncio.gather(*(promote(node) for node in both))

    assert sum(counts) == 1
    assert pockets(await purse(clock.ctx, ada)) == (100_000, 0)


async def test_what_a_process_puts_into_escrow_that_does_not_know_yet_is_freed_too(clock: Clock) -> None:
    made = await register(clock.ctx, "Ada")
    asker, ada = await user(clock.ctx, "Bob"), made.user
    await enter(clock.ctx, Move(user_id=ada.id, escrow=kudos(100)), kind="uptime")
    slow = seldom_looking(clock.move(days=8))
    remembered = await authenticate(slow, made.key)
    await promote(with_threshold(clock.ctx, 1))

    await asked(clock.ctx, asker)
    await delivered(slow, remembered, await leased(clock.ctx, ada))
    assert (await purse(clock.ctx, ada)).escrow_mk > 0
    assert await promote(with_threshold(clock.ctx, 1)) == 1

    assert (await purse(clock.ctx, ada)).escrow_mk == 0


async def test_trusted_account_earns_all_at_once_from_then_on(clock: Clock) -> None:
    made = await register(clock.ctx, "Ada")
    asker, ada = await user(clock.ctx, "Bob"), made.user
    await enter(clock.ctx, Move(user_id=ada.id, escrow=kudos(100)), kind="uptime")
    await promote(with_threshold(clock.move(days=8), 1))
    trusted = await authenticate(clock.move(seconds=1), made.key)

    await asked(clock.ctx, asker)
    await delivered(clock.ctx, trusted, await leased(clock.ctx, trusted))

    assert pockets(await purse(clock.ctx, ada)) == (108_250, 0)
