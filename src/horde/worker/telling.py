"""Tells the horde how far a batch is, the newest word of it once a second, and hears whether it is still wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol

from horde.worker.backends.base import Progress

PAUSE_S = 1.0
"""Between two words of one batch; more could not be seen, and every word is a call."""


class Listener(Protocol):
    """Who is told."""

    async def tell(self, job_id: str, progress: Progress) -> bool:
        """Whether the job is still wanted."""
        ...


class Telling:
    """One batch on its way. A preview is of its first picture, and so is a text."""

    def __init__(self, listener: Listener, job_ids: Sequence[str], *, pause_s: float = PAUSE_S) -> None:
        self.is_wanted = True
        self._listener = listener
        self._job_ids = job_ids
        self._pause_s = pause_s
        self._latest: Progress | None = None
        self._news = asyncio.Event()

    def tell(self, progress: Progress) -> None:
        """Note how far it is; told when its time comes. What a word leaves out stays as it was told before."""
        self._latest = progress
        self._news.set()

    @asynccontextmanager
    async def until_made(self, lease: asyncio.Timeout) -> AsyncIterator[None]:
        """Tell for as long as the block lasts. A batch that nobody wants any more ends its lease at once."""
        task = asyncio.create_task(self._tell_for_ever(lease))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _tell_for_ever(self, lease: asyncio.Timeout) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._latest is not None and not await self._told(self._latest):
                self.is_wanted = False
                lease.reschedule(asyncio.get_running_loop().time())
                return
            await asyncio.sleep(self._pause_s)

    async def _told(self, progress: Progress) -> bool:
        first, *others = self._job_ids
        bare = replace(progress, preview=None, text=None)
        wanted = await asyncio.gather(
            self._listener.tell(first, progress), *(self._listener.tell(job_id, bare) for job_id in others)
        )
        return any(wanted)
