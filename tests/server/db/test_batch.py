"""Calls that arrive together are answered together, each with its own outcome, and none pays for its neighbours."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from horde.errors import HordeError, MissingPrompt, Overloaded
from horde.server.db.batch import BATCH_MAX, ROUNDS_MAX, Batches
from tests.server.builders import comes_true


@dataclass
class Doubling:
    """Work that doubles numbers, one batch each time that it is let."""

    batches: list[list[int]] = field(default_factory=list)
    contexts: list[str] = field(default_factory=list)
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(10**6))
    poison: frozenset[int] = frozenset()
    """Numbers that break whatever batch they are in."""
    refused: frozenset[int] = frozenset()
    is_away: bool = False

    async def __call__(self, ctx: str, items: Sequence[int]) -> list[int | HordeError]:
        self.batches.append(list(items))
        self.contexts.append(ctx)
        await self.turns.acquire()
        if self.is_away:
            raise Overloaded
        if self.poison & set(items):
            raise ZeroDivisionError
        return [MissingPrompt(f"{item}") if item in self.refused else 2 * item for item in items]

    @property
    def __name__(self) -> str:
        return "doubling"

    def __hash__(self) -> int:
        return id(self)


@dataclass
class Line:
    """Calls to one process."""

    work: Doubling
    batches: Batches = field(default_factory=Batches)

    def call(self, item: int, ctx: str = "") -> asyncio.Task[int]:
        return asyncio.create_task(self.batches.join(self.work, ctx, item))

    async def calls(self, *items: int) -> list[int | BaseException]:
        """What becomes of calls that are there at the same time."""
        return await asyncio.gather(*[self.call(item) for item in items], return_exceptions=True)

    async def begun(self, batches: int) -> None:
        """Return when so many batches are or were under way."""
        await comes_true(lambda: len(self.work.batches) >= batches)


@pytest.fixture
def work() -> Doubling:
    return Doubling()


@pytest.fixture
def line(work: Doubling) -> Line:
    return Line(work)


@pytest.fixture
def held(work: Doubling) -> Doubling:
    """Work whose batches go on only when a turn is released."""
    work.turns = asyncio.Semaphore(0)
    return work


# ------------------------------------------------------------------------------------------------- together
async def test_calls_at_the_same_time_are_one_batch_in_their_order(line: Line, work: Doubling) -> None:
    assert await line.calls(3, 1, 2) == [6, 2, 4]

    assert work.batches == [[3, 1, 2]]


async def test_calls_that_arrive_while_a_batch_runs_go_together_in_the_next(line: Line, held: Doubling) -> None:
    first = line.call(1)
    await line.begun(1)
    later = [line.call(item) for item in (4, 2, 3)]
    await asyncio.sleep(0)

    held.turns.release()
    assert await first == 2
    await line.begun(2)
    assert held.batches == [[1], [4, 2, 3]]

    held.turns.release()
    assert await asyncio.gather(*later) == [8, 4, 6]


async def test_line_that_ran_empty_takes_calls_again(line: Line, work: Doubling) -> None:
    for item in range(3):
        assert await line.call(item) == 2 * item

    assert work.batches == [[0], [1], [2]]


async def test_no_batch_is_larger_than_its_bound(line: Line, work: Doubling) -> None:
    many = range(2 * BATCH_MAX + 1)

    assert await line.calls(*many) == [2 * item for item in many]

    assert [len(batch) for batch in work.batches] == [BATCH_MAX, BATCH_MAX, 1]
    assert [item for batch in work.batches for item in batch] == [*many]


async def test_each_verb_has_a_line_of_its_own(line: Line, held: Doubling) -> None:
    waiting = line.call(1)
    await line.begun(1)

    other = Doubling()
    async with asyncio.timeout(10):
        assert await line.batches.join(other, "", 5) == 10

    held.turns.release()
    assert await waiting == 2


async def test_batch_of_a_busy_process_waits_for_those_who_are_still_being_heard(line: Line, work: Doubling) -> None:
    other = Doubling()
    first = line.call(1)
    busy = []
    for _ in range(3):
        await asyncio.sleep(0)
        busy.append(asyncio.create_task(line.batches.join(other, "", 0)))
    await asyncio.sleep(0)
    second = line.call(2)

    assert await asyncio.gather(first, second, *busy) == [2, 4, 0, 0, 0]

    assert work.batches == [[1, 2]]


async def test_batch_waits_for_nobody_for_long_however_many_call(line: Line, work: Doubling) -> None:
    calls = []
    for item in range(2 * ROUNDS_MAX):
        calls.append(line.call(item))
        await asyncio.sleep(0)
    await asyncio.gather(*calls)

    assert len(work.batches[0]) < len(calls)


async def test_batch_acts_at_the_moment_of_its_latest_call(line: Line, work: Doubling) -> None:
    await asyncio.gather(line.call(1, "noon"), line.call(2, "past noon"))

    assert work.contexts == ["past noon"]


# ------------------------------------------------------------------------------------------------- outcomes
async def test_each_call_gets_its_own_outcome_or_refusal(line: Line, work: Doubling) -> None:
    work.refused = frozenset({2})

    first, second, third = await line.calls(1, 2, 3)

    assert (first, third) == (2, 6)
    assert isinstance(second, MissingPrompt)
    assert str(second) == "2"
    assert len(work.batches) == 1


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_call_that_breaks_its_batch_fails_alone(line: Line, work: Doubling, place: int) -> None:
    items = [1, 2, 3]
    work.poison = frozenset({items[place]})
    work.refused = frozenset({items[place - 1]})

    found = await line.calls(*items)

    assert isinstance(found[place], ZeroDivisionError)
    assert isinstance(found[place - 1], MissingPrompt)
    assert found[place - 2] == 2 * items[place - 2]
    assert work.batches == [[1, 2, 3], [1], [2], [3]]
    assert await line.call(4) == 8


async def test_database_that_is_away_fails_all_and_is_asked_once(line: Line, work: Doubling) -> None:
    work.is_away = True

    assert [type(found) for found in await line.calls(1, 2, 3)] == [Overloaded] * 3

    assert work.batches == [[1, 2, 3]]
    work.is_away = False
    assert await line.call(4) == 8


async def test_work_that_forgets_an_answer_is_a_bug_told_to_every_caller(line: Line) -> None:
    async def forgetful(_ctx: str, items: Sequence[int]) -> list[int | HordeError]:
        return [*items, 0]

    calls = [asyncio.create_task(line.batches.join(forgetful, "", item)) for item in (1, 2)]

    for found in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(found, AssertionError)
        assert "forgetful answered 2 of 1 calls" in str(found)


# ------------------------------------------------------------------------------------------ callers that leave
async def test_caller_that_leaves_while_its_batch_runs_breaks_nothing(line: Line, held: Doubling) -> None:
    held.refused = frozenset({2})
    calls = [line.call(item) for item in (1, 2, 3)]
    await line.begun(1)

    calls[0].cancel()
    calls[1].cancel()
    await asyncio.sleep(0)
    held.turns.release()

    assert await calls[2] == 6
    assert calls[0].cancelled()
    assert calls[1].cancelled()


async def test_caller_that_leaves_before_its_batch_does_not_take_back_its_call(line: Line, held: Doubling) -> None:
    first = line.call(1)
    await line.begun(1)
    left, stayed = line.call(2), line.call(3)
    await asyncio.sleep(0)

    left.cancel()
    held.turns.release()
    held.turns.release()

    assert (await first, await stayed) == (2, 6)
    assert held.batches == [[1], [2, 3]]


async def test_caller_that_left_is_not_told_of_a_database_that_is_away(line: Line, held: Doubling) -> None:
    held.is_away = True
    calls = [line.call(item) for item in (1, 2)]
    await line.begun(1)
    calls[0].cancel()
    held.turns.release()

    with pytest.raises(Overloaded):
        await calls[1]


async def test_line_goes_on_after_a_batch_that_was_cancelled_from_within(line: Line) -> None:
    is_first = True

    async def cut_short(_ctx: str, items: Sequence[int]) -> list[int | HordeError]:
        nonlocal is_first
        if is_first:
            is_first = False
            raise asyncio.CancelledError
        return [*items]

    first = asyncio.create_task(line.batches.join(cut_short, "", 1))
    await asyncio.wait([first], timeout=5)
    assert first.cancelled()

    async with asyncio.timeout(5):
        assert await line.batches.join(cut_short, "", 2) == 2
