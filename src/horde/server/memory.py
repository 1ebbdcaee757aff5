"""What a server process remembers between calls.

Always a copy of what the database says, or a hint of it: a process that starts anew without it gives the same answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic, TypeVar

import structlog

from horde.errors import Overloaded

T = TypeVar("T")
M = TypeVar("M")
C = TypeVar("C")
log = structlog.get_logger(__name__)

SHARE_OF_TIME = 0.0025
"""A copy that takes long to make is made less often, so that making it never takes a larger part of the time. With a
hundredth, what is copied of 100,000 waiting requests was in the way of more than one call in a hundred."""


class Memory:
    """One object of each class that a feature remembers something in, made when it is first asked for."""

    def __init__(self) -> None:
        self._objects: dict[type, object] = {}

    def of(self, kind: type[M]) -> M:
        """This process's only object of that class, which takes no arguments."""
        found = self._objects.get(kind)
        if found is None:
            found = self._objects[kind] = kind()
        assert isinstance(found, kind)
        return found


class Copy(Generic[C, T]):
    """A copy of something in the database, made again when somebody asks for it and it is older than a period.

    Nobody but the first waits for it: the others get the copy that is there while the next one is made.
    """

    def __init__(self, make: Callable[[C, T | None], Awaitable[T]]) -> None:
        self._make = make
        self._newest: T | None = None
        self._made_at: datetime | None = None
        self._cost_s = 0.0
        self._making: asyncio.Task[T] | None = None

    async def read(self, ctx: C, *, now: datetime, period_s: float) -> T:
        """The copy, at most about `period_s` old; 0: never old, so every reader waits for one of its own time.

        Raises Overloaded when there is none yet and the database is away.
        """
        if self._newest is None or self._made_at is None or period_s == 0:
            return await self._make_now(ctx, now)
        age_s = (now - self._made_at).total_seconds()
        if age_s >= max(period_s, self._cost_s / SHARE_OF_TIME) and self._making is None:
            self._making = asyncio.create_task(self._make_now(ctx, now), name="copy")
            self._making.add_done_callback(self._is_made)
        return self._newest

    def _is_made(self, making: asyncio.Task[T]) -> None:
        self._making = None
        with contextlib.suppress(asyncio.CancelledError):
            if (error := making.exception()) and not isinstance(error, Overloaded):
                log.error("copy.failed", exc_info=error)

    async def _make_now(self, ctx: C, now: datetime) -> T:
        # A duration on this machine, not a time of day: nothing is decided by it but how often this is done.
        started = time.perf_counter()
        self._newest = await self._make(ctx, self._newest)
        self._made_at = now
        self._cost_s = time.perf_counter() - started
        return self._newest
