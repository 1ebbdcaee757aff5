"""Connections that carry one call at a time over plain TCP, kept alive: the cheapest client that asyncio allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from benchmarks.answers import Answer, Answers, Unreadable

CALL_S_MAX = 60.0
"""Longer than any server may take; a call that hangs ends the run with a name instead of never."""

IDLE_S_MAX = 2.0
"""uvicorn closes after 5 s without a call; ours must not cross that on its way."""


class ConnectionLost(Exception):
    """The server closed the connection while an answer was owed."""


@dataclass(frozen=True, slots=True)
class Timed:
    """An answer and how long it took, seen from the driver."""

    answer: Answer
    seconds: float


class Connection:
    """One keep-alive connection, opened anew after a rest: servers close what is idle, at a moment of their own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._wire: _Wire | None = None
        self._used_at = 0.0

    async def open(self) -> None:
        """Connect now; a call does it where it is needed. Raises OSError."""
        self.close()
        loop = asyncio.get_running_loop()
        _, self._wire = await loop.create_connection(_Wire, "127.0.0.1", self._port)
        self._used_at = loop.time()

    async def call(self, request: bytes) -> Answer:
        """Send a whole request and wait for its answer. Raises ConnectionLost, OSError, TimeoutError, Unreadable."""
        loop = asyncio.get_running_loop()
        if self._wire is None or loop.time() - self._used_at > IDLE_S_MAX:
            await self.open()
        assert self._wire is not None
        answer = await self._wire.call(request)
        self._used_at = loop.time()
        return answer

    async def timed(self, request: bytes) -> Timed:
        """As `call`, with the time it took."""
        begun = time.perf_counter()
        answer = await self.call(request)
        return Timed(answer, time.perf_counter() - begun)

    def close(self) -> None:
        """End the connection; safe to call twice."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None


class _Wire(asyncio.Protocol):
    def __init__(self) -> None:
        self._answers = Answers()
        self._transport: asyncio.Transport | None = None
        self._owed: asyncio.Future[Answer] | None = None

    async def call(self, request: bytes) -> Answer:
        assert self._owed is None, "one call at a time"
        assert self._transport is not None
        if self._transport.is_closing():
            raise ConnectionLost("the server closed the connection between two calls")
        loop = asyncio.get_running_loop()
        self._owed = loop.create_future()
        # Not asyncio.timeout: a bare timer costs a third of it, and this is the hottest line here.
        timer = loop.call_later(CALL_S_MAX, self._fail, TimeoutError(f"no answer to {request[:60]!r}"))
        try:
            self._transport.write(request)
            return await self._owed
        finally:
            timer.cancel()
            self._owed = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one without deriving from it.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for answer in self._answers.feed(data):
                if self._owed is None or self._owed.done():
                    raise ConnectionLost("the server sent an answer that nobody asked for")
                self._owed.set_result(answer)
        except (ConnectionLost, Unreadable) as error:
            self._fail(error)
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(ConnectionLost(f"the server closed the connection while it owed an answer: {error}"))

    def _fail(self, error: Exception) -> None:
        if self._owed is not None and not self._owed.done():
            self._owed.set_exception(error)


@asynccontextmanager
async def connections(port: int, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections to a port of this machine, for as long as the block lasts. Raises OSError."""
    opened = [Connection(port) for _ in range(count)]
    try:
        for connection in opened:
            await connection.open()
        yield opened
    finally:
        for connection in opened:
            connection.close()
