"""Puts a server further away: a port whose bytes arrive later, by the same time in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 65_536


@asynccontextmanager
async def further_away(port: int, one_way_s: float) -> AsyncIterator[int]:
    """A port of this machine that leads to another one, as far away as light and routers would make it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_carry(reader, far_writer, one_way_s), _carry(far_reader, writer, one_way_s))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one_way_s: float) -> None:
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            # Not a sleep between reads: the line is long, not narrow.
            loop.call_later(one_way_s, _arrive, writer, chunk)
    loop.call_later(one_way_s, writer.close)


def _arrive(writer: asyncio.StreamWriter, chunk: bytes) -> None:
    if not writer.is_closing():
        writer.write(chunk)
