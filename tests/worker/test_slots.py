"""Slots: how much runs at a time, what is held, and how it ends."""

import asyncio

import pytest

from horde.worker.slots import LEAD_S, Piece, Slots


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


class Machines:
    """Slots whose work a test holds in its hand, on machines that come and go, in a time that it sets."""

    def __init__(self, count: int, *, ahead: int = 1) -> None:
        self.count = count
        self.now_s = 100.0
        self.slots = Slots(count, ahead=ahead, machines=lambda: self.count, now_s=lambda: self.now_s)
        self.making: dict[str, Piece] = {}
        """The pieces that have a machine, by their jobs."""
        self._done: dict[str, asyncio.Event] = {}

    def start(self, job: str, fetched: asyncio.Event | None = None) -> None:
        """A piece of one job, which waits for what is fetched before it wants a machine."""
        self._done[job] = asyncio.Event()

        async def work(piece: Piece) -> None:
            if fetched is not None:
                await fetched.wait()
            async with piece.turn():
                self.making[job] = piece
                await self._done[job].wait()
                del self.making[job]

        self.slots.start([job], work)

    async def end(self, job: str) -> None:
        """It is made."""
        self._done[job].set()
        await turns()

    async def has_room(self) -> bool:
        """Whether another piece is to be taken now."""
        asked = asyncio.create_task(self.slots.room())
        await turns()
        if not asked.done():
            asked.cancel()
        return not asked.cancelling()


async def test_one_is_fetched_ahead_for_each_machine_when_it_is_about_to_be_free() -> None:
    machines = Machines(3)
    for job in "abc":
        assert await machines.has_room()
        machines.start(job)
    await turns()
    machines.now_s += 10
    for job, share in (("a", 0.99), ("b", 0.95), ("c", 0.1)):
        machines.making[job].progress(share)

    assert await machines.has_room()
    machines.start("for the place of a")
    assert await machines.has_room()
    machines.start("for the place of b")
    assert not await machines.has_room()  # c is far from made

    machines.making["c"].progress(0.99)
    assert await machines.has_room()


async def test_machine_that_comes_back_gets_what_waits_and_room_for_more_at_once() -> None:
    machines = Machines(1)
    machines.start("a")
    await turns()
    machines.now_s += 10
    machines.making["a"].progress(0.99)
    assert await machines.has_room()
    machines.start("b")
    machines.making["a"].progress(0.1)
    assert not await machines.has_room()
    assert machines.making.keys() == {"a"}

    machines.count = 3
    assert await machines.has_room()
    await turns()
    assert machines.making.keys() == {"a", "b"}


async def test_piece_that_is_long_in_fetching_keeps_no_machine_waiting() -> None:
    machines, fetched = Machines(1), asyncio.Event()
    machines.start("slow", fetched)
    assert not await machines.has_room()

    machines.now_s += LEAD_S
    assert await machines.has_room()
    machines.start("quick")
    await turns()
    assert machines.making.keys() == {"quick"}
    assert not await machines.has_room()

    fetched.set()
    await machines.end("quick")
    assert machines.making.keys() == {"slow"}


async def test_nothing_is_fetched_ahead_for_an_owner_who_wants_none() -> None:
    machines = Machines(2, ahead=0)
    for job in "ab":
        machines.start(job)
    await turns()
    machines.now_s += 10
    machines.making["a"].progress(1.0)

    assert not await machines.has_room()


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
