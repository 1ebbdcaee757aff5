"""The client that is awaited: the whole way, what it repeats, and to whom it shows its key."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import stamina

from horde.client import AsyncHorde, Retries, Unreachable, work
from horde.errors import HordeError
from horde.wire import v2
from tests.plugins.hordes import RunningHorde
from tests.worker.relay import Relay, relayed
from tests.worker.shifts import PATIENCE_S, Gated, on_shift, worker_settings

TRIES = 3


@pytest.fixture
def without_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=TRIES):
        yield


async def test_several_requests_are_waited_for_at_once(horde: RunningHorde) -> None:
    async with on_shift(worker_settings(horde.url), Gated(is_open=True)), AsyncHorde(horde.url) as requestor:
        requests = [await requestor.generate("a stable", width=64, height=64) for _ in range(3)]
        await asyncio.gather(*(request.wait(timeout_s=PATIENCE_S) for request in requests))
        pictures = await asyncio.gather(*(request.images() for request in requests))

    assert [len(images) for images in pictures] == [1, 1, 1]


async def calls_while_nobody_answers(relay: Relay, requestor: AsyncHorde, name: str) -> int:
    before = relay.calls
    made: dict[str, Callable[[], Awaitable[object]]] = {
        "generate": lambda: requestor.generate("a stable"),
        "register": lambda: requestor.register("Ann"),
        "pop": lambda: requestor.call(work.pop_images(v2.Pop(name="worker"), 0)),
        "pop that names its jobs": lambda: requestor.call(work.pop_images(v2.Pop(name="worker", held_jobs=[]), 0)),
        "check": lambda: requestor.request("a").check(),
        "deliver": lambda: requestor.call(work.deliver_image(v2.Submit(id="a", generation="R2", seed=1))),
        "download": lambda: requestor.download(f"{relay.url}/a.webp"),
    }
    with pytest.raises(Unreachable):
        await made[name]()
    return relay.calls - before


@pytest.mark.parametrize("name", ["generate", "register", "pop"])
async def test_call_that_may_have_arrived_is_not_made_again(name: str, without_pauses: None) -> None:
    async with relayed(None) as relay, AsyncHorde(relay.url) as requestor:
        assert await calls_while_nobody_answers(relay, requestor, name) == 1


@pytest.mark.parametrize("name", ["pop that names its jobs", "check", "deliver", "download"])
async def test_call_that_does_no_harm_twice_is_made_again(name: str, without_pauses: None) -> None:
    async with relayed(None) as relay, AsyncHorde(relay.url) as requestor:
        assert await calls_while_nobody_answers(relay, requestor, name) == TRIES


@asynccontextmanager
async def storage_of_somebody_else() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A link to a place that is not the horde's, and what arrives there."""
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\npicture")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/bucket/a.webp?signature=1", heard


async def test_key_is_not_shown_to_the_storage_of_somebody_else() -> None:
    async with storage_of_somebody_else() as (link, heard), AsyncHorde("http://127.0.0.1:9", "secret") as horde:
        assert await horde.download(link) == b"picture"
        await horde.upload(link, b"picture")

    assert len(heard) == 2
    for words in heard:
        assert b"apikey" not in words.lower()
        assert b"secret" not in words


async def test_picture_is_put_without_a_type_that_its_link_does_not_cover() -> None:
    async with storage_of_somebody_else() as (link, heard), AsyncHorde("http://127.0.0.1:9") as horde:
        await horde.upload(link, b"picture")

    assert heard[0].startswith(b"PUT /bucket/a.webp?signature=1 HTTP/1.1\r\n")
    assert b"content-type" not in heard[0].lower()


async def test_signature_of_a_link_is_kept_out_of_the_error() -> None:
    async with AsyncHorde("http://127.0.0.1:9", retries=Retries(attempts=1)) as horde:
        with pytest.raises(HordeError) as raised:
            await horde.download("http://127.0.0.1:9/a.webp?signature=secret")

    assert "secret" not in raised.value.message
