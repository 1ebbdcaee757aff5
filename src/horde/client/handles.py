"""A request on its way: look how far it is, wait for it, read its pictures, cancel it.

The two classes differ in `await` alone; what they decide stands in the functions below them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from horde.client import _calls
from horde.client.errors import RequestFaulted, WaitedTooLong
from horde.client.images import Image, image_of, link_of
from horde.errors import Missing
from horde.wire.v2 import CheckAnswer, GenerateAccepted, Warned

if TYPE_CHECKING:
    from horde.client.aio import AsyncHorde
    from horde.client.sync import Horde

WAIT_S_MAX = 3600.0
"""How long a caller waits who does not say: a horde forgets a request 20 minutes after its last activity."""
POLL_S_MIN, POLL_S_MAX, POLL_GROWTH = 0.25, 1.0, 1.5
"""The first looks come soon, for small hordes answer fast; then once a second. A server allows ten a second."""
DOWNLOADS_MAX = 4
"""How many pictures are fetched at once."""

OnProgress = Callable[[CheckAnswer], None]


@dataclass(frozen=True, slots=True)
class RequestHandle:
    """A request that a horde accepted."""

    id: str
    _horde: Horde = field(repr=False)
    price: float = 0
    """Kudos of one picture, as far as it was told when the request was accepted."""
    warnings: tuple[Warned, ...] = ()
    """What its author should know, e.g. that nobody can serve it now."""

    def check(self) -> CheckAnswer:
        """How far it is. Raises RequestNotFound once the horde has forgotten it."""
        return self._horde.call(_calls.check(self.id))

    def wait(self, on_progress: OnProgress | None = None, *, timeout_s: float = WAIT_S_MAX) -> RequestHandle:
        """Wait until all pictures are ready; `on_progress` hears of every look.

        Raises RequestFaulted, WaitedTooLong (the request goes on), and what `on_progress` raises.
        """
        deadline = self._horde.clock() + timeout_s
        pause_s = POLL_S_MIN
        while not is_over(self.id, progress := self.check(), on_progress):
            if self._horde.clock() + pause_s > deadline:
                raise too_long(self.id, progress, timeout_s)
            self._horde.sleep(pause_s)
            pause_s = min(pause_s * POLL_GROWTH, POLL_S_MAX)
        return self

    def images(self) -> list[Image]:
        """The pictures that are ready, also while others are still to come. Ten calls a minute are allowed."""
        status = self._horde.call(_calls.status(self.id))
        images = []
        for generation in status.generations:
            link = link_of(generation)
            images.append(image_of(generation, None if link is None else self._horde.download(link)))
        return images

    def cancel(self) -> None:
        """Take back what still waits; pictures that are ready can still be read. Safe to call twice."""
        try:
            self._horde.call(_calls.cancel(self.id))
        except Missing:
            return


@dataclass(frozen=True, slots=True)
class AsyncRequestHandle:
    """A request that a horde accepted."""

    id: str
    _horde: AsyncHorde = field(repr=False)
    price: float = 0
    """Kudos of one picture, as far as it was told when the request was accepted."""
    warnings: tuple[Warned, ...] = ()
    """What its author should know, e.g. that nobody can serve it now."""

    async def check(self) -> CheckAnswer:
        """How far it is. Raises RequestNotFound once the horde has forgotten it."""
        return await self._horde.call(_calls.check(self.id))

    async def wait(self, on_progress: OnProgress | None = None, *, timeout_s: float = WAIT_S_MAX) -> AsyncRequestHandle:
        """Wait until all pictures are ready; `on_progress` hears of every look.

        Raises RequestFaulted, WaitedTooLong (the request goes on), and what `on_progress` raises.
        """
        deadline = self._horde.clock() + timeout_s
        pause_s = POLL_S_MIN
        while not is_over(self.id, progress := await self.check(), on_progress):
            if self._horde.clock() + pause_s > deadline:
                raise too_long(self.id, progress, timeout_s)
            await self._horde.sleep(pause_s)
            pause_s = min(pause_s * POLL_GROWTH, POLL_S_MAX)
        return self

    async def images(self) -> list[Image]:
        """The pictures that are ready, also while others are still to come. Ten calls a minute are allowed."""
        status = await self._horde.call(_calls.status(self.id))
        turnstile = asyncio.Semaphore(DOWNLOADS_MAX)

        async def fetched(link: str | None) -> bytes | None:
            async with turnstile:
                return None if link is None else await self._horde.download(link)

        contents = await asyncio.gather(*(fetched(link_of(one)) for one in status.generations))
        return [image_of(one, content) for one, content in zip(status.generations, contents, strict=True)]

    async def cancel(self) -> None:
        """Take back what still waits; pictures that are ready can still be read. Safe to call twice."""
        try:
            await self._horde.call(_calls.cancel(self.id))
        except Missing:
            return


def warnings_of(accepted: GenerateAccepted) -> tuple[Warned, ...]:
    """All that was remarked on an accepted request; old servers only have one text for it."""
    if accepted.warnings:
        return tuple(accepted.warnings)
    return (Warned("", accepted.message),) if accepted.message else ()


def is_over(request_id: str, progress: CheckAnswer, on_progress: OnProgress | None) -> bool:
    """Whether nothing more will come, told to who wants to hear it. Raises RequestFaulted."""
    if on_progress is not None:
        on_progress(progress)
    if progress.faulted:
        ready = f"pictures that are ready: {progress.finished}"
        raise RequestFaulted(f"The horde gave the request {request_id} up after several failures; {ready}.")
    return progress.done


def too_long(request_id: str, progress: CheckAnswer, timeout_s: float) -> WaitedTooLong:
    """The error of a caller whose patience is over."""
    counts = f"{progress.finished} ready, {progress.processing} in work, {progress.waiting} waiting"
    return WaitedTooLong(f"The request {request_id} is not done after {timeout_s:g} s: {counts}.")
