"""Turns: so many at a time, the urgent first, and the machine taken away for them."""

import asyncio

import pytest

from horde.worker.turns import Preempted, Turns


async def spins(count: int = 5) -> None:
    """Let other tasks run."""
    for _ in range(count):
        await asyncio.sleep(0)


class Player:
    """Takes a turn and has it until told to end."""

    def __init__(self, turns: Turns, *, is_urgent: bool = False) -> None:
        self.has_turn = False
        self.end = asyncio.Event()
        self.task = asyncio.create_task(self._play(turns, is_urgent=is_urgent))

    async def _play(self, turns: Turns, *, is_urgent: bool) -> None:
        async with turns.turn(is_urgent=is_urgent):
            self.has_turn = True
            await self.end.wait()
        self.has_turn = False


async def test_as_many_have_a_turn_as_there_are_and_the_next_in_order() -> None:
    turns = Turns(2)
    players = [Player(turns) for _ in range(4)]
    await spins()
    assert [player.has_turn for player in players] == [True, True, False, False]

    players[1].end.set()
    await spins()
    assert [player.has_turn for player in players] == [True, False, True, False]


async def test_more_turns_begin_at_once_and_fewer_as_turns_end() -> None:
    turns = Turns(1)
    players = [Player(turns) for _ in range(4)]
    await spins()
    turns.resize(3)
    await spins()
    assert [player.has_turn for player in players] == [True, True, True, False]

    turns.resize(2)
    players[0].end.set()
    await spins()
    assert [player.has_turn for player in players] == [False, True, True, False]


async def test_urgent_takes_the_youngest_turn_away() -> None:
    turns = Turns(2)
    old, young = Player(turns), Player(turns)
    await spins()
    waiting = Player(turns)
    urgent = Player(turns, is_urgent=True)
    await spins()

    with pytest.raises(Preempted):
        await young.task
    await spins()
    assert (old.has_turn, urgent.has_turn, waiting.has_turn) == (True, True, False)


async def test_urgent_waits_for_the_urgent_and_leaves_free_places_alone() -> None:
    turns = Turns(1)
    first = Player(turns, is_urgent=True)
    await spins()
    second = Player(turns, is_urgent=True)
    await spins()
    assert (first.has_turn, second.has_turn) == (True, False)

    first.end.set()
    await spins()
    assert second.has_turn


async def test_one_that_gives_up_waiting_takes_no_turn() -> None:
    turns = Turns(1)
    first, second, third = Player(turns), Player(turns), Player(turns)
    await spins()
    second.task.cancel()
    await spins()

    first.end.set()
    await spins()
    assert third.has_turn


async def test_turn_ends_with_what_its_block_raises() -> None:
    turns = Turns(1)
    with pytest.raises(TimeoutError):
        async with turns.turn():
            raise TimeoutError
    async with asyncio.timeout(5), turns.turn():
        pass
