"""Slots: how much runs at a time, what is held, and how it ends."""

import asyncio

import pytest

from horde.worker.slots import Piece, Slots


async def turns(count: int = 5) -> None:
    """Let other tasks run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_jobs_are_held_until_they_are_settled() -> None:
    slots, gate = Slots(2), asyncio.Event()

    async def work(_: Piece) -> None:
        await gate.wait()

    slots.start(["b", "a"], work)
    slots.start(["c"], work)
    assert slots.held_jobs == ["a", "b", "c"]

    slots.settle("b")
    slots.settle("b")
    assert slots.held_jobs == ["a", "c"]

    gate.set()
    await turns()
    assert slots.held_jobs == []


async def test_room_comes_when_work_ends() -> None:
    slots, gate = Slots(1), asyncio.Event()

    async def work(_: Piece) -> None:
        await gate.wait()

    await slots.room()
    slots.start(["a"], work)
    waiting = asyncio.create_task(slots.room())
    await turns()
    assert not waiting.done()

    gate.set()
    await asyncio.wait_for(waiting, 5)


async def test_work_that_breaks_off_is_no_longer_held_and_gives_its_slot_back() -> None:
    slots = Slots(1)

    async def work(_: Piece) -> None:
        raise ZeroDivisionError

    slots.start(["a"], work)
    await turns()

    assert slots.held_jobs == []
    await asyncio.wait_for(slots.room(), 5)


async def test_drain_waits_for_work_that_ends_in_time() -> None:
    slots, gate = Slots(2), asyncio.Event()

    async def work(_: Piece) -> None:
        await gate.wait()

    slots.start(["a"], work)
    draining = asyncio.create_task(slots.drain(600, asyncio.Event()))
    await turns()
    assert not draining.done()

    gate.set()
    assert await draining == []


@pytest.mark.parametrize(("grace_s", "is_hurried"), [(0.0, False), (600.0, True)])
async def test_drain_names_the_unsettled_jobs_of_work_it_cancels(grace_s: float, is_hurried: bool) -> None:
    slots, hurry = Slots(2), asyncio.Event()
    was_cancelled = asyncio.Event()

    async def work(_: Piece) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()

    slots.start(["a", "b"], work)
    await turns()
    slots.settle("a")
    if is_hurried:
        hurry.set()

    assert await slots.drain(grace_s, hurry) == ["b"]
    assert was_cancelled.is_set()
    assert slots.held_jobs == []


async def test_drain_of_nothing_ends_at_once() -> None:
    assert await Slots(1).drain(600, asyncio.Event()) == []


async def test_as_many_are_taken_ahead_as_there_are_turns_that_come_soon() -> None:
    slots, gate = Slots(3, ahead=1), asyncio.Event()
    made: list[Piece] = []

    async def work(piece: Piece) -> None:
        async with piece.turn():
            made.append(piece)
            await gate.wait()

    for name in "abc":
        slots.start([name], work)
    await turns()
    for piece, share in zip(made, (0.9999, 0.9999, 0.0), strict=True):
        piece.progress(share)
    for name in "de":
        await asyncio.wait_for(slots.room(), 5)
        slots.start([name], work)
        await turns()
    third = asyncio.create_task(slots.room())
    await turns()

    assert not third.done()
    third.cancel()
    gate.set()
