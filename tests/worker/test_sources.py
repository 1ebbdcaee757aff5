"""Pictures that jobs begin from: fetched whole and bounded, and for a public horde never from the owner's network."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from horde.client import AsyncHorde
from horde.worker.backends.base import BackendFailed
from horde.worker.sources import BYTES_MAX, SourcePictures, is_local

PUBLIC = "https://horde.example"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def storage(answer: Answer) -> AsyncIterator[str]:
    """A server on this machine that answers every call alike; its address."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
            await writer.drain()
        except ConnectionError:
            pass  # who asked had enough
        finally:
            writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.webp?signature=secret"


async def small(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwebp")


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
    for _ in range(BYTES_MAX // 65_536 + 10):
        writer.write(b"x" * 65_536)
        await writer.drain()


async def gone(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")


async def cut(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")


async def fetched(source: str, horde: str = "http://127.0.0.1:7001") -> bytes:
    async with AsyncHorde(horde) as client, SourcePictures(client) as pictures:
        return await pictures.fetch(source)


async def test_link_and_base64_bring_the_picture() -> None:
    async with storage(small) as link:
        assert await fetched(link) == b"webp"
    assert await fetched(base64.b64encode(b"webp").decode()) == b"webp"


@pytest.mark.parametrize(
    ("answer", "words"), [(endless, "more than 20,971,520 bytes"), (gone, "404"), (cut, "cannot be fetched")]
)
async def test_picture_that_cannot_be_had_fails_with_the_reason_and_no_secret(answer: Answer, words: str) -> None:
    async with storage(answer) as link:
        with pytest.raises(BackendFailed, match=words) as failed:
            await fetched(link)

    assert "secret" not in str(failed.value)


@pytest.mark.parametrize("source", ["no base64!", "file:///etc/passwd", "ftp://horde.example/a"])
async def test_what_is_neither_link_nor_base64_is_refused(source: str) -> None:
    with pytest.raises(BackendFailed, match="neither a link nor base64"):
        await fetched(source)


async def test_link_on_a_public_horde_cannot_reach_the_owners_network() -> None:
    async with storage(small) as link:
        with pytest.raises(BackendFailed, match="is not a public one"):
            await fetched(link, PUBLIC)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:7001", True), ("http://localhost:7001", True), ("http://192.168.1.5", True),
        ("http://[::1]:7001", True), ("http://rig:7001", True), ("http://rig.local", True),
        ("https://aihorde.net", False), ("https://8.8.8.8", False), ("https://localhost.example", False),
    ],
)  # fmt: skip
def test_horde_on_ones_own_network_is_known_by_its_address(url: str, expected: bool) -> None:
    assert is_local(url) is expected
