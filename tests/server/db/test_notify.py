"""A bell rings when, and only if, the transaction commits; a lost line is made again."""

import asyncio

import pytest

from horde.errors import MissingPrompt
from horde.server.context import Context
from horde.server.db.notify import POLL_S, Bell, Hints, done, open_hints, ring
from horde.server.db.pool import Database
from tests.plugins.hordes import Clock
from tests.server.builders import hang_up, listening

LONG_S = 60.0
SOON_S = POLL_S / 2
"""Too short for the poll: who wakes within it was rung."""


@pytest.fixture
async def ctx(clock: Clock) -> Context:
    """A context whose hints are listened to."""
    await listening(clock.ctx)
    return clock.ctx


async def rings(database: Database, topic: str) -> None:
    async with database.transaction() as tx:
        await ring(tx, topic)


async def is_rung(bell: Bell) -> bool:
    """Whether the bell rings soon."""
    try:
        async with asyncio.timeout(SOON_S):
            await bell.wait(LONG_S)
    except TimeoutError:
        return False
    return True


async def is_rung_already(bell: Bell) -> bool:
    """Whether the bell was rung before now."""
    waiting = asyncio.create_task(bell.wait(LONG_S))
    for _ in range(3):
        await asyncio.sleep(0)
    if not waiting.done():
        waiting.cancel()
    return waiting.done() and not waiting.cancelled()


async def rings_until_heard(ctx: Context, bell: Bell) -> None:
    """Ring the bell of `topic` until its node listens."""
    async with asyncio.timeout(10):
        while not await is_rung_already(bell):
            await rings(ctx.database, "topic")


async def test_bell_of_a_topic_rings_and_no_other(ctx: Context) -> None:
    with ctx.services.hints.bell("one") as one, ctx.services.hints.bell("two") as two:
        await rings(ctx.database, "one")

        assert await is_rung(one)
        assert not await is_rung_already(two)


async def test_bell_rings_at_the_commit_and_not_before(ctx: Context) -> None:
    with ctx.services.hints.bell("topic") as bell, ctx.services.hints.bell("later") as later:
        async with ctx.database.transaction() as tx:
            await ring(tx, "topic")
            await rings(ctx.database, "later")
            assert await is_rung(later)
            assert not await is_rung_already(bell)

        assert await is_rung(bell)


async def test_bell_does_not_ring_for_what_was_undone(ctx: Context) -> None:
    async def fails() -> None:
        async with ctx.database.transaction() as tx:
            await ring(tx, "topic")
            raise MissingPrompt

    with ctx.services.hints.bell("topic") as bell, ctx.services.hints.bell("later") as later:
        with pytest.raises(MissingPrompt):
            await fails()
        await rings(ctx.database, "later")

        assert await is_rung(later)
        assert not await is_rung_already(bell)


async def test_bells_ring_on_every_node(ctx: Context) -> None:
    async with open_hints(ctx.services.settings.database_url) as other:
        with other.bell("topic") as there, ctx.services.hints.bell("topic") as here:
            await rings_until_heard(ctx, there)

            assert await is_rung(here)


async def test_ring_before_the_wait_is_not_missed(ctx: Context) -> None:
    with ctx.services.hints.bell("topic") as bell, ctx.services.hints.bell("topic") as twin:
        await rings(ctx.database, "topic")
        assert await is_rung(twin)

        assert await is_rung_already(bell)
        assert not await is_rung_already(bell)  # one ring wakes once


async def test_lost_line_wakes_all_and_is_made_again(ctx: Context) -> None:
    with ctx.services.hints.bell("topic") as bell:
        assert await hang_up(ctx, "listen %") == 1

        assert await is_rung(bell)  # something may have been missed: everybody looks
        await rings_until_heard(ctx, bell)


async def test_wait_ends_without_a_ring_when_its_time_is_up() -> None:
    with Hints().bell("topic") as bell:
        async with asyncio.timeout(SOON_S):
            await bell.wait(0.01)


async def test_closing_ends_all_waits_now_and_later() -> None:
    hints = Hints()
    with hints.bell("topic") as bell:
        waiting = asyncio.create_task(bell.wait(LONG_S))
        await asyncio.sleep(0)

        hints.close()
        hints.close()

        async with asyncio.timeout(SOON_S):
            await waiting
            await bell.wait(LONG_S)


async def test_bell_that_nobody_holds_any_more_is_forgotten() -> None:
    hints = Hints()
    with hints.bell(done("one")), hints.bell(done("one")):
        pass

    assert not hints._bells
