"""A call ends with its answer or with a name for what went wrong, never with another call's answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.connections import Connection, ConnectionLost, connections

REQUEST = b"GET / HTTP/1.1\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def connected(handler: Handler) -> AsyncIterator[Connection]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server, connections(server.sockets[0].getsockname()[1], 1) as (connection,):
        yield connection


async def read_one(reader: asyncio.StreamReader) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def test_calls_share_one_connection() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            await read_one(reader)
            writer.write(ANSWER)
        writer.close()

    async with connected(handle) as connection:
        assert [(await connection.call(REQUEST)).body for _ in range(2)] == [b"ok", b"ok"]


async def test_server_that_leaves_while_it_owes_an_answer_is_named() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        writer.write(ANSWER[:-1])
        writer.close()

    async with connected(handle) as connection:
        with pytest.raises(ConnectionLost, match="owed an answer"):
            await connection.call(REQUEST)


async def test_answer_that_nobody_asked_for_ends_the_connection() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_one(reader)
        writer.write(ANSWER + ANSWER)
        await reader.read()
        writer.close()

    async with connected(handle) as connection:
        assert (await connection.call(REQUEST)).body == b"ok"
        with pytest.raises(ConnectionLost):
            await connection.call(REQUEST)
