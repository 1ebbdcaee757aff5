"""The jobs in progress: at most as many pieces of work as the owner allows, each with the jobs it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence

import structlog

log = structlog.get_logger("worker")


class Slots:
    """Runs pieces of work side by side. A job counts as held from `start` until it is settled or its work ends."""

    def __init__(self, count: int) -> None:
        assert count >= 1, count
        self._count = count
        self._held: dict[asyncio.Task[None], set[str]] = {}
        self._freed = asyncio.Event()

    @property
    def held_jobs(self) -> list[str]:
        """All jobs that are not settled."""
        return sorted(job for jobs in self._held.values() for job in jobs)

    async def room(self) -> None:
        """Wait until another piece of work can be started."""
        while len(self._held) >= self._count:
            self._freed.clear()
            await self._freed.wait()

    def start(self, job_ids: Sequence[str], work: Coroutine[None, None, None]) -> None:
        """Begin a piece of work for these jobs; there must be room."""
        assert len(self._held) < self._count, f"{len(self._held)} of {self._count} slots are taken"
        task = asyncio.create_task(work)
        self._held[task] = set(job_ids)
        task.add_done_callback(self._ended)

    def settle(self, job_id: str) -> None:
        """A job is delivered, given back or lost: it is no longer ours. Safe to call twice."""
        for jobs in self._held.values():
            jobs.discard(job_id)

    async def drain(self, grace_s: float, hurry: asyncio.Event) -> list[str]:
        """Let the work end, for `grace_s` seconds or until there is hurry; then cancel it.

        Returns the jobs that are left, which nobody works on any more.
        """
        tasks = set(self._held)
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
        left = sorted(job for task in tasks for job in self._held.get(task, ()))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return left

    def _ended(self, task: asyncio.Task[None]) -> None:
        jobs = self._held.pop(task)
        self._freed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The horde takes these jobs back at the next pop, which no longer names them.
            log.error("work broke off", jobs=sorted(jobs), exc_info=error)
