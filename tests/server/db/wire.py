"""A line to the database that can be cut and mended, as lines between machines are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

CHUNK = 64 * 1024


class Wire:
    """Hands on what comes in at `url` to the database, until it is cut."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The same database through this line."""
        account = self._there.netloc.rpartition("@")[0]
        return f"postgresql://{account}@127.0.0.1:{self._port}{self._there.path}?sslmode=disable"

    async def mend(self) -> None:
        """Take connections, at the same address as before."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End all connections without a word, and take no more."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    async def _carry(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        there, on = await self._dial()
        self._open |= {back, on}
        try:
            await asyncio.gather(_pump(here, on), _pump(there, back))
        finally:
            self._open -= {back, on}
            for writer in (back, on):
                writer.close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        query = parse_qs(self._there.query)
        if "host" in query:
            return await asyncio.open_unix_connection(f"{query['host'][0]}/.s.PGSQL.{query.get('port', ['5432'])[0]}")
        return await asyncio.open_connection(self._there.hostname, self._there.port)


@asynccontextmanager
async def wired(url: str) -> AsyncIterator[Wire]:
    """A whole line for as long as the block lasts."""
    wire = Wire(url)
    await wire.mend()
    try:
        yield wire
    finally:
        wire.cut()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while content := await source.read(CHUNK):
            target.write(content)
            await target.drain()
    target.close()
