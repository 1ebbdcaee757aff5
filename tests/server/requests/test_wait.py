"""Who waits is woken by what it waits for, looks at the truth each time, and is never kept longer than it asked."""

import asyncio
from dataclasses import dataclass, field

import pytest

from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News
from horde.server.requests.wait import WORKERS, done, until, until_done
from tests.plugins.hordes import Clock

LONG_S = 60.0
TOPIC = "what they wait for"


@dataclass
class Looks:
    """Something to look at that is enough at the `enough`th look."""

    enough: int
    seen: int = 0
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def look(self, _ctx: Context) -> int:
        self.seen += 1
        self.looked.set()
        return self.seen

    async def waits(self, ctx: Context, wait_s: float, is_gone: asyncio.Event | None = None) -> int:
        """The last look."""
        with ctx.services.hints.bell(TOPIC) as bell:
            return await until(
                ctx,
                bell,
                self.look,
                lambda seen: seen >= self.enough,
                wait_s=wait_s,
                is_gone=is_gone or asyncio.Event(),
            )


@pytest.fixture
def ctx(clock: Clock) -> Context:
    """The present: waiting is the one thing that goes by the real clock."""
    return Context.at_present(clock.ctx.services)


async def test_what_is_there_is_answered_at_once(ctx: Context) -> None:
    assert await Looks(enough=1).waits(ctx, LONG_S) == 1


async def test_who_does_not_want_to_wait_gets_one_look(ctx: Context) -> None:
    assert await Looks(enough=9).waits(ctx, 0) == 1


async def test_wait_ends_when_its_time_is_up(ctx: Context) -> None:
    looks = Looks(enough=9)

    async with asyncio.timeout(notify.POLL_S / 2):
        assert await looks.waits(ctx, 0.05) == 2


async def test_hint_wakes_who_waits_for_it(ctx: Context) -> None:
    looks = Looks(enough=2)
    waiting = asyncio.create_task(looks.waits(ctx, LONG_S))
    await looks.looked.wait()

    ctx.services.hints.publish(News(topics=[TOPIC]))

    async with asyncio.timeout(notify.POLL_S / 2):
        assert await waiting == 2


async def test_who_waits_for_a_request_is_woken_by_its_results_and_no_others(ctx: Context) -> None:
    looks = Looks(enough=9)
    waiting = asyncio.create_task(
        until_done(ctx, "mine", looks.look, lambda seen: seen >= 2, wait_s=LONG_S, is_gone=asyncio.Event())
    )
    await looks.looked.wait()

    ctx.services.hints.publish(News(topics=[done("another")]))
    assert looks.seen == 1
    ctx.services.hints.publish(News(topics=[done("mine")]))

    async with asyncio.timeout(notify.POLL_S / 2):
        assert await waiting == 2


async def test_hint_that_falls_between_look_and_wait_is_not_missed(ctx: Context) -> None:
    looks = Looks(enough=2)

    async def look(at: Context) -> int:
        at.services.hints.publish(News(topics=[TOPIC]))
        return await looks.look(at)

    with ctx.services.hints.bell(TOPIC) as bell:
        async with asyncio.timeout(notify.POLL_S / 2):
            assert await until(ctx, bell, look, lambda seen: seen >= 2, wait_s=LONG_S, is_gone=asyncio.Event()) == 2


async def test_lost_hint_is_made_up_for_by_a_look_after_the_poll_time(ctx: Context) -> None:
    async with asyncio.timeout(2 * notify.POLL_S):
        assert await Looks(enough=2).waits(ctx, LONG_S) == 2


async def test_nothing_is_looked_up_for_a_caller_who_is_gone(ctx: Context) -> None:
    looks, is_gone = Looks(enough=9), asyncio.Event()
    waiting = asyncio.create_task(looks.waits(ctx, LONG_S, is_gone))
    await looks.looked.wait()

    is_gone.set()

    async with asyncio.timeout(notify.POLL_S / 2):
        assert await waiting == 1


async def test_server_that_stops_answers_all_who_wait(ctx: Context) -> None:
    looks = [Looks(enough=9) for _ in range(3)]
    waiting = [asyncio.create_task(each.waits(ctx, LONG_S)) for each in looks]
    for each in looks:
        await each.looked.wait()

    ctx.services.hints.close()

    async with asyncio.timeout(notify.POLL_S / 2):
        await asyncio.gather(*waiting)


def test_each_request_has_a_topic_of_its_own() -> None:
    assert len({done("one"), done("two"), WORKERS}) == 3
