"""The probe finds what runs, by what real programs said, and is bothered by nothing else that listens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from horde.worker.machine import machine
from horde.worker.probe import Found, programs
from tests.worker.backends.programs.recording import read
from tests.worker.backends.programs.replay import Replay, replayed
from tests.worker.backends.programs.scenes import PLAYS, PROBE
from tests.worker.relay import relayed

FOUND = {
    "llamacpp": ("openai", "llama.cpp", "b0-unknown", ("llamacpp/tiny-gibberish",)),
    "koboldcpp": ("koboldai", "KoboldCpp", "1.76", ("koboldcpp/tiny",)),
    "comfyui": ("comfyui", "ComfyUI", "0.3.64", ("tiny_sd15",)),
    "forge": ("a1111", "Forge", None, ("tiny_sd15",)),
    "a1111": ("a1111", "AUTOMATIC1111 web UI", None, ("tiny_sd15",)),
}


@asynccontextmanager
async def running(name: str) -> AsyncIterator[Replay]:
    async with replayed(read(PLAYS[name].file(PROBE))) as replay:
        yield replay


@pytest.mark.parametrize("name", PLAYS)
async def test_program_is_known_with_its_version_and_models(name: str) -> None:
    async with running(name) as replay:
        found = await programs([replay.url])

    backend, program, version, models = FOUND[name]
    assert found == (Found(backend=backend, url=replay.url, program=program, version=version, models=models),)


async def test_several_programs_are_found_in_the_order_of_their_addresses() -> None:
    async with AsyncExitStack() as stack:
        urls = [(await stack.enter_async_context(running(name))).url for name in PLAYS]
        found = await programs(urls)

    assert [program.url for program in found] == urls


async def test_program_whose_models_cannot_be_told_is_found_without_any() -> None:
    recording = read(PLAYS["koboldcpp"].file(PROBE))
    recording.exchanges = [e for e in recording.exchanges if e.path == "/api/extra/version"]
    async with replayed(recording) as replay:
        (found,) = await programs([replay.url])

    assert (found.program, found.models) == ("KoboldCpp", ())


async def test_nobody_there_is_nothing_found() -> None:
    async with relayed(None) as nobody:
        assert await programs([nobody.url, "http://[::1]:1", "no address at all"]) == ()


@pytest.mark.parametrize(
    "said", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n\xff\x00\xfe{[}]"]
)
async def test_what_speaks_otherwise_is_nothing_found(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        assert await programs([f"http://{host}:{port}"]) == ()


async def test_what_never_answers_is_given_up() -> None:
    asked = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(listen, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        assert await programs([f"http://{host}:{port}"], patience_s=0.05) == ()
    assert asked.is_set()


def test_machine_tells_what_it_has_and_nothing_that_it_has_not(tmp_path: Path) -> None:
    seen = machine(tmp_path)

    assert 0 < seen.memory_free_bytes <= seen.memory_bytes
    assert seen.disk_free_bytes > 0
    assert all(0 <= card.memory_used_mib <= card.memory_mib for card in seen.cards)
