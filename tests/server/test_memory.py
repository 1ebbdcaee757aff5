"""What a process remembers is a copy that is made anew in good time, and that nobody but the first waits for."""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from horde.errors import Overloaded
from horde.server.memory import SHARE_OF_TIME, Copy, Memory
from tests.server.builders import comes_true

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass
class Source:
    """Something to be copied, which numbers its copies."""

    made: int = 0
    known: list[int | None] = field(default_factory=list)
    """What each copy was made from."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(10**6))
    begun: int = 0
    error: Exception | None = None
    takes_s: float = 0

    async def make(self, _ctx: str, newest: int | None) -> int:
        self.begun += 1
        self.known.append(newest)
        until = time.perf_counter() + self.takes_s
        await self.turns.acquire()
        await comes_true(lambda: time.perf_counter() >= until)
        if self.error:
            raise self.error
        self.made += 1
        return self.made


@dataclass
class Reader:
    """Reads a copy of a source, of which each is good for ten seconds."""

    source: Source
    period_s: float = 10

    def __post_init__(self) -> None:
        self._copy = Copy(self.source.make)

    async def at(self, seconds: float) -> int:
        """What a reader gets so long after noon."""
        return await self._copy.read("", now=NOON + timedelta(seconds=seconds), period_s=self.period_s)

    async def settled(self) -> None:
        """Return when no copy is being made."""
        await comes_true(lambda: self._copy._making is None)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def reader(source: Source) -> Reader:
    return Reader(source)


async def test_first_reader_waits_for_the_first_copy(reader: Reader, source: Source) -> None:
    source.turns = asyncio.Semaphore(0)
    reading = asyncio.create_task(reader.at(0))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not reading.done()

    source.turns.release()

    assert await reading == 1
    assert source.known == [None]


async def test_copy_serves_until_it_is_as_old_as_the_period(reader: Reader, source: Source) -> None:
    assert [await reader.at(seconds) for seconds in (0, 5, 9.999)] == [1, 1, 1]

    await reader.settled()
    assert source.begun == 1


async def test_later_readers_get_the_old_copy_while_the_new_one_is_made_once(reader: Reader, source: Source) -> None:
    await reader.at(0)
    source.turns = asyncio.Semaphore(0)

    assert [await reader.at(10), await reader.at(10), await reader.at(25)] == [1, 1, 1]
    source.turns.release()
    await reader.settled()

    assert await reader.at(11) == 2
    assert source.known == [None, 1]


async def test_new_copy_is_as_old_as_the_call_that_had_it_made(reader: Reader, source: Source) -> None:
    await reader.at(0)
    await reader.at(10)
    await reader.settled()

    assert await reader.at(19.9) == 2
    await reader.settled()
    assert source.begun == 2
    await reader.at(20)
    await reader.settled()
    assert source.begun == 3


async def test_period_of_0_gives_every_reader_one_of_its_own_time(reader: Reader, source: Source) -> None:
    reader.period_s = 0

    assert [await reader.at(0), await reader.at(0)] == [1, 2]
    assert sorted(await asyncio.gather(reader.at(0), reader.at(0))) == [3, 4]


async def test_copy_that_takes_long_to_make_is_made_less_often(reader: Reader, source: Source) -> None:
    reader.period_s, source.takes_s = 0.001, 0.02
    before = time.perf_counter()
    await reader.at(0)
    took_s = time.perf_counter() - before

    await reader.at(0.99 * source.takes_s / SHARE_OF_TIME)
    await reader.settled()
    assert source.begun == 1

    await reader.at(took_s / SHARE_OF_TIME)
    await reader.settled()
    assert source.begun == 2


async def test_copy_that_became_cheap_is_made_often_again(reader: Reader, source: Source) -> None:
    source.takes_s = 0.02
    await reader.at(0)
    source.takes_s = 0
    await reader.at(1000)
    await reader.settled()

    await reader.at(1010)
    await reader.settled()

    assert source.begun == 3


@pytest.mark.parametrize("error", [Overloaded(), ZeroDivisionError()])
async def test_copy_that_cannot_be_made_anew_stays_as_it_was(reader: Reader, source: Source, error: Exception) -> None:
    await reader.at(0)

    source.error = error
    with structlog.testing.capture_logs() as logs:
        for seconds in (10, 20, 30):
            assert await reader.at(seconds) == 1
            await reader.settled()
    assert source.begun == 4  # it is tried again each time
    assert [log["event"] for log in logs] == ([] if isinstance(error, Overloaded) else ["copy.failed"] * 3)

    source.error = None
    await reader.at(30)
    await reader.settled()
    assert await reader.at(30) == 2


async def test_first_copy_that_cannot_be_made_is_told_and_tried_again(reader: Reader, source: Source) -> None:
    source.error = Overloaded()
    for _ in range(2):
        with pytest.raises(Overloaded):
            await reader.at(0)

    source.error = None
    assert await reader.at(0) == 1


async def test_reader_that_leaves_does_not_end_the_making_of_the_next_copy(reader: Reader, source: Source) -> None:
    await reader.at(0)
    source.turns = asyncio.Semaphore(0)
    leaving = asyncio.create_task(reader.at(10))
    await leaving
    leaving.cancel()

    source.turns.release()
    await reader.settled()

    assert await reader.at(11) == 2


def test_memory_keeps_one_object_of_each_class() -> None:
    class Other:
        pass

    memory = Memory()

    assert memory.of(Memory) is memory.of(Memory)
    assert isinstance(memory.of(Other), Other)
    assert Memory().of(Other) is not memory.of(Other)
