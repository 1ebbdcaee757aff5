"""The jobs in progress: at most as many pieces of work as the owner allows, each with the jobs it is for.

A piece is made, and then handed in. Another one may be taken as soon as one is made, and a few ahead of that, for each
machine shortly before it is free: so none of them ever waits for the horde.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from math import inf

import structlog

from horde.worker.pace import Pace
from horde.worker.turns import Turns

log = structlog.get_logger("worker")

LEAD_S = 2.0
"""How long before a machine is free the next job is asked for: a pop and its pictures from a slow line. What takes
longer to be fetched, as LoRAs may, keeps no machine waiting: another job is asked for."""
LOOK_S = 1.0
"""How often it is looked again what can have changed unnoticed: machines that come and go, and time that passes."""
HANDING_IN_MAX = 20
"""Pieces that are made and not yet delivered; with more of them the horde is slower than this machine."""


class Piece:
    """A piece of work as the one who does it sees it."""

    def __init__(self, slots: Slots, job_ids: Sequence[str], *, is_urgent: bool) -> None:
        self.jobs = set(job_ids)
        self.is_made = False
        self.taken_s = slots.now_s()
        self.is_fetched = False
        """Whether what it needs is there, so that it only waits for a machine."""
        self._slots = slots
        self._is_urgent = is_urgent

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a machine and have it; afterwards the piece counts as made. Raises Preempted."""
        self.is_fetched = True
        async with self._slots.turns.turn(is_urgent=self._is_urgent):
            self._slots.begin(self)
            try:
                yield
            finally:
                self.made()

    def progress(self, share: float, machine: int | None = None) -> None:
        """How much is made, from 0 to 1, and by which machine, where that is known."""
        self._slots.pace.progress(self, share, machine)
        self._slots.tell()

    def made(self) -> None:
        """It needs no machine any more. Safe to call twice."""
        self.is_made = True
        self._slots.end(self)


class Slots:
    """Runs pieces of work side by side. A job counts as held from `start` until it is settled or its work ends."""

    def __init__(
        self,
        count: int,
        *,
        ahead: int = 0,
        turns: Turns | None = None,
        is_urgent: bool = False,
        machines: Callable[[], int] | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`count` pieces are made at the same time, and `ahead` for each of them are fetched before.

        `machines` says how many it is now, where that changes: children of a back end die and come back, and an owner
        may change his mind.
        """
        self.turns = turns or Turns(count)
        self.pace = Pace()
        self.now_s = now_s
        self._machines = machines
        self._ahead = ahead
        self._is_urgent = is_urgent
        self._pieces: dict[asyncio.Task[None], Piece] = {}
        self._changed = asyncio.Event()

    @property
    def held_jobs(self) -> list[str]:
        """All jobs that are not settled."""
        return sorted(job for piece in self._pieces.values() for job in piece.jobs)

    async def room(self) -> None:
        """Wait until another piece of work should be taken."""
        while (pause_s := min(self._pause_s(), LOOK_S)) > 0:
            self._changed.clear()
            try:
                async with asyncio.timeout(pause_s):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def start(self, job_ids: Sequence[str], work: Callable[[Piece], Coroutine[None, None, None]]) -> None:
        """Begin a piece of work for these jobs."""
        piece = Piece(self, job_ids, is_urgent=self._is_urgent)
        task = asyncio.create_task(work(piece))
        self._pieces[task] = piece
        task.add_done_callback(self._ended)

    def settle(self, job_id: str) -> None:
        """A job is delivered, given back or lost: it is no longer ours. Safe to call twice."""
        for piece in self._pieces.values():
            piece.jobs.discard(job_id)

    async def drain(self, grace_s: float, hurry: asyncio.Event) -> list[str]:
        """Let the work end, for `grace_s` seconds or until there is hurry; then cancel it.

        Returns the jobs that were not made, on which nobody works any more.
        """
        tasks = set(self._pieces)
        hurrying = asyncio.create_task(hurry.wait())
        try:
            async with asyncio.timeout(grace_s):
                while tasks and not hurrying.done():
                    _, pending = await asyncio.wait({*tasks, hurrying}, return_when=asyncio.FIRST_COMPLETED)
                    tasks = {task for task in tasks if task in pending}
        except TimeoutError:
            pass
        finally:
            hurrying.cancel()
        pieces = [self._pieces[task] for task in tasks if task in self._pieces]
        left = sorted(job for piece in pieces if not piece.is_made for job in piece.jobs)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return left

    def begin(self, piece: Piece) -> None:
        """A machine works on a piece from now on."""
        self.pace.begin(piece, self.now_s())
        self.tell()

    def end(self, piece: Piece) -> None:
        """It no longer does. Safe to call twice."""
        self.pace.end(piece, self.now_s())
        self.tell()

    def tell(self) -> None:
        """Something changed that may make room."""
        self._changed.set()

    def _pause_s(self) -> float:
        # 0: there is room; without end: there is none until something changes.
        if self._machines is not None:
            self.turns.resize(self._machines())
        count, now_s = self.turns.count, self.now_s()
        unmade = [piece for piece in self._pieces.values() if not piece.is_made]
        if len(self._pieces) - len(unmade) >= HANDING_IN_MAX or len(unmade) >= count * (1 + self._ahead):
            return inf
        waiting = sum(
            not self.pace.is_making(piece) and (piece.is_fetched or now_s - piece.taken_s < LEAD_S) for piece in unmade
        )
        free_s = self.pace.free_s(now_s, machines=count, waiting=waiting)
        return inf if free_s is None else max(0.0, free_s - LEAD_S)

    def _ended(self, task: asyncio.Task[None]) -> None:
        piece = self._pieces.pop(task)
        piece.made()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The horde takes these jobs back at the next pop, which no longer names them.
            log.error("work broke off", jobs=sorted(piece.jobs), exc_info=error)
