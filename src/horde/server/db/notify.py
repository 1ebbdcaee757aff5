"""Hints between those who wait and those who change what they wait for, over all server processes.

A hint only hurries: it can be lost, so whoever waits looks again after `POLL_S` whether a bell rang or not.

The own process is told at once, the others by NOTIFY from one connection of their own. NOTIFY takes a lock which the
whole database server shares, so what is told while one is under way goes out together with the next, and no transaction
that writes holds that lock while it waits for the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

import asyncpg
import msgspec
import structlog

from horde.server.db.pool import COMMAND_TIMEOUT_S, DEAD_PEER, LOST, Connection
from horde.server.db.queries import load

log = structlog.get_logger(__name__)
sql = load(__package__)

CHANNEL = "horde"
APPLICATION_NAME = "horde hints"
"""How the connection that listens is named in pg_stat_activity."""
POLL_S = 2.0
RECONNECT_S = 0.5
ITEMS_MAX = 100
"""Topics or lanes in one payload, of which PostgreSQL takes 8,000 bytes."""
OUTGOING_MAX = 10_000
"""News kept for the other nodes while the database is away."""


class Work(NamedTuple):
    """In a lane, jobs wait that did not before."""

    lane_id: int
    rank: int
    """Of the best of them."""
    jobs: int


class News(msgspec.Struct, array_like=True):
    """What a transaction changed that others may be waiting for."""

    topics: list[str] = []
    """Whose bells are to be rung."""
    work: list[Work] = []


class _Payload(News, array_like=True):
    node: str = ""


def done(request_id: str) -> str:
    """Topic: a result of this request came in, or it ended."""
    return f"done:{request_id}"


class Bell:
    """What one caller waits on."""

    def __init__(self, hints: Hints) -> None:
        self._hints = hints
        self._event = asyncio.Event()
        self._is_waiting = False

    @property
    def is_unrung(self) -> bool:
        """Whether its caller waits, and was not woken yet."""
        return self._is_waiting and not self._event.is_set()

    def ring(self) -> None:
        """Wake the caller, now or at its next wait."""
        self._event.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when rung, at the latest after `timeout_s` or POLL_S. Look at the truth after that, in any case."""
        if self._hints.is_closing:
            return
        self._is_waiting = True
        try:
            async with asyncio.timeout(min(timeout_s, POLL_S)):
                await self._event.wait()
        except TimeoutError:
            pass
        finally:
            self._is_waiting = False
        self._event.clear()


class Hints:
    """What this process hears, from itself and by NOTIFY, and who is to be told."""

    def __init__(self) -> None:
        self._node = uuid.uuid4().hex[:12]
        self._bells: defaultdict[str, set[Bell]] = defaultdict(set)
        self._on_work: list[Callable[[list[Work]], None]] = []
        self._on_gap: list[Callable[[], None]] = []
        self._topics: list[str] = []
        self._work: list[Work] = []
        self._has_outgoing = asyncio.Event()
        self.is_closing = False

    def listen_for_work(self, on_work: Callable[[list[Work]], None], *, on_gap: Callable[[], None]) -> None:
        """Have `on_work` called with what begins to wait anywhere, and `on_gap` when something may have been missed."""
        self._on_work.append(on_work)
        self._on_gap.append(on_gap)

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

    def publish(self, news: News) -> None:
        """Tell news that are committed, here at once and on the other nodes soon."""
        self.tell(news)
        room = OUTGOING_MAX - len(self._topics) - len(self._work)
        if room > 0:
            # Beyond it the database is away, and everybody looks for themselves when it is back.
            self._topics += news.topics
            self._work += news.work
            self._has_outgoing.set()

    def tell(self, news: News) -> None:
        """Tell news in this process alone."""
        for topic in news.topics:
            for bell in list(self._bells.get(topic, ())):
                bell.ring()
        if news.work:
            for on_work in self._on_work:
                on_work(news.work)

    def close(self) -> None:
        """End all waits, now and from now on, so that the server can stop. Safe to call twice."""
        self.is_closing = True
        self._ring_all()

    def _ring_all(self) -> None:
        for bells in list(self._bells.values()):
            for bell in list(bells):
                bell.ring()

    def _heard(self, _connection: Connection, _pid: int, _channel: str, payload: object) -> None:
        try:
            news = msgspec.json.decode(str(payload), type=_Payload)
        except msgspec.MsgspecError:
            log.warning("hints.unreadable")
            return
        if news.node != self._node:
            self.tell(news)

    async def listen(self, url: str) -> None:
        """Listen until cancelled; a lost connection is made again, and everybody looks anew after it."""
        while True:
            try:
                await self._listen_once(url)
            except LOST:
                pass
            except Exception:  # the outermost loop of the hints: whatever happened, they go on
                log.exception("hints.failed")
            self._ring_all()
            await asyncio.sleep(RECONNECT_S)

    async def _listen_once(self, url: str) -> None:
        connection = await asyncpg.connect(url, server_settings={**DEAD_PEER, "application_name": APPLICATION_NAME})
        connection.add_termination_listener(lambda _connection: self._has_outgoing.set())
        try:
            await connection.add_listener(CHANNEL, self._heard)
            # What was said before we listened went by unheard.
            for on_gap in self._on_gap:
                on_gap()
            while not connection.is_closed():
                await self._has_outgoing.wait()
                await self._send(connection)
            log.warning("hints.lost")
        finally:
            with contextlib.suppress(*LOST):
                await connection.close(timeout=1)

    async def _send(self, connection: asyncpg.Connection) -> None:
        if connection.is_closed():
            return  # what is to go out waits for the next one
        self._has_outgoing.clear()
        topics, self._topics = list(dict.fromkeys(self._topics)), []
        work, self._work = self._work, []
        payloads = [
            msgspec.json.encode(
                _Payload(
                    topics=topics[start : start + ITEMS_MAX], work=work[start : start + ITEMS_MAX], node=self._node
                )
            ).decode()
            for start in range(0, max(len(topics), len(work)), ITEMS_MAX)
        ]
        if not payloads:
            return
        try:
            await connection.execute(sql.announce.sql, CHANNEL, payloads, timeout=COMMAND_TIMEOUT_S)
        except LOST:
            # Perhaps it arrived: to be told twice does no harm, not to be told does.
            self._topics = topics + self._topics
            self._work = work + self._work
            self._has_outgoing.set()
            raise


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
