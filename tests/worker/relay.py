"""A bad line between a worker and its server: it can go silent, break, and lead to another server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 65_536


class Relay:
    """Hands bytes on between a port of its own and `target`; None: nobody is there."""

    def __init__(self) -> None:
        self.target: str | None = None
        self.url = ""
        self.calls = 0
        self.turned_away = asyncio.Event()
        """Somebody called while nobody was there."""
        self._lines: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Break all connections, in the middle of whatever they say."""
        for writer in self._lines:
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        if self.target is None:
            self.turned_away.set()
            writer.transport.abort()
            return
        host, _, port = self.target.removeprefix("http://").partition(":")
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        self._lines |= {writer, far_writer}
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._lines -= {writer, far_writer}


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def relayed(target: str | None) -> AsyncIterator[Relay]:
    """A relay to the server at `target`."""
    relay = Relay()
    relay.target = target
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    relay.url = f"http://{host}:{port}"
    async with server:
        yield relay
        relay.cut()
