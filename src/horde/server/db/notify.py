"""Hints between waiting callers and whoever changes what they wait for, over all server processes.

A hint only hurries: it can be lost, so whoever waits looks again after `POLL_S` whether a bell rang or not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import structlog

from horde.server.db.pool import LOST, Connection, Tx
from horde.server.db.queries import load

log = structlog.get_logger(__name__)
sql = load(__package__)

CHANNEL = "horde"
POLL_S = 2.0
RECONNECT_S = 0.5

WORK = "work"
"""Topic: something new waits in the queue."""


def done(request_id: str) -> str:
    """Topic: a result of this request came in, or it ended."""
    return f"done:{request_id}"


async def ring(tx: Tx, topic: str) -> None:
    """Ring the bells of `topic` on every node when, and only if, the transaction commits."""
    await tx.run(sql.ring, channel=CHANNEL, topic=topic)


class Bell:
    """What one caller waits on."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake the caller, now or at its next wait."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when rung, at the latest after `timeout_s` or POLL_S. Look at the truth after that, in any case."""
        if self._hints.is_closing:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(timeout_s, POLL_S)):
                await self._event.wait()
        self._event.clear()


class Hints:
    """The bells of this process, rung by NOTIFY."""

    def __init__(self) -> None:
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)
        self.is_closing = False

    @contextmanager
    def bell(self, topic: str) -> Iterator[Bell]:
        """A bell that is rung from now on; take it before you look, so that nothing falls in between."""
        bell = Bell(self)
        self._bells[topic].add(bell)
        try:
            yield bell
        finally:
            self._bells[topic].discard(bell)
            if not self._bells[topic]:
                del self._bells[topic]

    def close(self) -> None:
        """End all waits, now and from now on, so that the server can stop. Safe to call twice."""
        self.is_closing = True
        self._ring_all()

    def _ring_all(self) -> None:
        for bells in list(self._bells.values()):
            for bell in list(bells):
                bell.ring()

    def _heard(self, _connection: Connection, _pid: int, _channel: str, topic: object) -> None:
        for bell in list(self._bells.get(str(topic), ())):
            bell.ring()

    async def listen(self, url: str) -> None:
        """Listen until cancelled; a lost connection is made again, and everybody looks anew after it."""
        while True:
            with contextlib.suppress(*LOST):
                await self._listen_once(url)
            self._ring_all()
            await asyncio.sleep(RECONNECT_S)

    async def _listen_once(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _connection: gone.set())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            await gone.wait()
            log.warning("hints.lost")
        finally:
            with contextlib.suppress(*LOST):
                await connection.close(timeout=1)


@asynccontextmanager
async def open_hints(url: str) -> AsyncIterator[Hints]:
    """Hints for as long as the block lasts."""
    hints = Hints()
    listening = asyncio.create_task(hints.listen(url), name="hints")
    try:
        yield hints
    finally:
        hints.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
