"""Who waits is told at once here and soon everywhere, and once; a lost line is made again and loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import msgspec
import pytest

from horde.server.db.notify import CHANNEL, ITEMS_MAX, OUTGOING_MAX, POLL_S, Bell, Hints, News, Work, done, open_hints
from tests.server.builders import comes_true
from tests.server.db.wire import wired

LONG_S = 60.0
SOON_S = POLL_S / 2
"""Too short for the poll: who wakes within it was rung."""
PAYLOAD_BYTES_MAX = 8000
"""What PostgreSQL takes, exclusive."""


@dataclass
class Node:
    """The hints of one server, with what it was told of work."""

    hints: Hints
    work: list[Work] = field(default_factory=list)
    gaps: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def listens(self) -> None:
        """Return when the line is up, once for each time that it comes up."""
        async with asyncio.timeout(10):
            await self.gaps.acquire()

    async def heard(self, work: Work) -> None:
        """Return when this node was told of that work."""
        await comes_true(lambda: work in self.work)


@asynccontextmanager
async def node(url: str) -> AsyncIterator[Node]:
    """A server that is about to listen."""
    async with open_hints(url) as hints:
        found = Node(hints)
        hints.listen_for_work(found.work.extend, on_gap=found.gaps.release)
        yield found


@pytest.fixture
async def here(database_url: str) -> AsyncIterator[Node]:
    """A node that listens."""
    async with node(database_url) as found:
        await found.listens()
        yield found


@pytest.fixture
async def there(database_url: str) -> AsyncIterator[Node]:
    """Another one on the same database."""
    async with node(database_url) as found:
        await found.listens()
        yield found


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


# ---------------------------------------------------------------------------------------------- in one process
async def test_bell_of_a_topic_rings_at_once_and_no_other() -> None:
    hints = Hints()
    with hints.bell("one") as one, hints.bell("two") as two:
        hints.publish(News(topics=["one"]))

        assert await is_rung_already(one)
        assert not await is_rung_already(two)


async def test_own_process_is_told_of_work_at_once() -> None:
    heard: list[Work] = []
    hints = Hints()
    hints.listen_for_work(heard.extend, on_gap=lambda: None)

    hints.publish(News(work=[Work(7, -50, 3)]))

    assert heard == [Work(7, -50, 3)]


async def test_ring_before_the_wait_is_not_missed_and_wakes_once() -> None:
    hints = Hints()
    with hints.bell("topic") as bell:
        hints.publish(News(topics=["topic"]))

        assert await is_rung_already(bell)
        assert not await is_rung_already(bell)


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


# --------------------------------------------------------------------------------------------- between nodes
async def test_bells_ring_on_every_node(here: Node, there: Node) -> None:
    with there.hints.bell("topic") as bell:
        here.hints.publish(News(topics=["topic"]))

        assert await is_rung(bell)


async def test_other_nodes_are_told_of_work_as_it_is(here: Node, there: Node) -> None:
    here.hints.publish(News(work=[Work(7, -(10**12), 3)]))

    await there.heard(Work(7, -(10**12), 3))


async def test_nobody_hears_the_same_news_twice(here: Node, there: Node) -> None:
    here.hints.publish(News(work=[Work(1, 0, 1)]))
    await there.heard(Work(1, 0, 1))
    # Notifications come to everybody in one order: who has heard the second has the first behind it.
    there.hints.publish(News(work=[Work(2, 0, 1)]))
    await here.heard(Work(2, 0, 1))

    assert here.work == there.work == [Work(1, 0, 1), Work(2, 0, 1)]


async def test_many_news_go_out_in_few_payloads_that_fit(here: Node, there: Node, database_url: str) -> None:
    payloads: list[str] = []
    connection = await asyncpg.connect(database_url)
    await connection.add_listener(CHANNEL, lambda *said: payloads.append(str(said[-1])))
    topics = [done(f"00000000-0000-4000-8000-{number:012}") for number in range(3 * ITEMS_MAX - 1)]

    for number, topic in enumerate(topics):
        here.hints.publish(News(topics=[topic, topic], work=[Work(10**7 + number, -(10**12), 1000)]))
    with there.hints.bell(topics[-1]) as last:
        assert await is_rung(last)
    async with asyncio.timeout(10):
        while not any(topics[-1] in payload for payload in payloads):
            await connection.execute("SELECT 1")
    await connection.close()

    told = [msgspec.json.decode(payload) for payload in payloads]
    assert len(payloads) == 3
    assert max(len(payload.encode()) for payload in payloads) < PAYLOAD_BYTES_MAX
    assert [topic for found, *_ in told for topic in found] == topics
    assert len(there.work) == len(topics)


async def test_payload_that_is_not_ours_is_passed_over(here: Node, there: Node, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("SELECT pg_notify($1, 'whatever')", CHANNEL)
    await connection.close()

    here.hints.publish(News(work=[Work(1, 0, 1)]))

    await there.heard(Work(1, 0, 1))


# ------------------------------------------------------------------------------------------ when the line is lost
async def test_lost_line_wakes_all_and_is_made_again_with_a_gap(database_url: str) -> None:
    async with wired(database_url) as wire, node(wire.url) as cut_off:
        await cut_off.listens()
        with cut_off.hints.bell("topic") as bell:
            wire.cut()

            assert await is_rung(bell)  # something may have been missed: everybody looks
            await wire.mend()
            await cut_off.listens()  # and so does who goes by what it was told


async def test_news_while_the_database_is_away_go_out_when_it_is_back(database_url: str, there: Node) -> None:
    async with wired(database_url) as wire, node(wire.url) as cut_off:
        await cut_off.listens()
        with cut_off.hints.bell("topic") as bell:
            wire.cut()
            assert await is_rung(bell)
            cut_off.hints.publish(News(work=[Work(1, 0, 1)]))
            await wire.mend()

        await there.heard(Work(1, 0, 1))


async def test_news_that_were_on_their_way_when_the_line_was_lost_go_out_when_it_is_back(
    database_url: str, there: Node
) -> None:
    async with wired(database_url) as wire, node(wire.url) as cut_off:
        await cut_off.listens()
        with cut_off.hints.bell("topic") as bell:
            cut_off.hints.publish(News(work=[Work(1, 0, 1)]))
            wire.cut()
            assert await is_rung(bell)
            await wire.mend()

        await there.heard(Work(1, 0, 1))


async def test_no_more_news_are_kept_than_the_bound_and_the_own_process_hears_them_all() -> None:
    heard: list[Work] = []
    hints = Hints()
    hints.listen_for_work(heard.extend, on_gap=lambda: None)

    for number in range(2 * OUTGOING_MAX):
        hints.publish(News(work=[Work(number, 0, 1)]))

    assert len(heard) == 2 * OUTGOING_MAX
    assert len(hints._work) == OUTGOING_MAX
