"""What became of an order is learnt from the history, whatever happens to the websocket."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from horde.worker.backends.base import BackendFailed, OutOfMemory, Progress
from horde.worker.backends.comfyui import ComfyUI
from tests.worker.backends.programs.recording import Body, Recording, read
from tests.worker.backends.programs.replay import Replay, replayed
from tests.worker.backends.programs.scenes import PLAYS

PLAY = PLAYS["comfyui"]
ORDER = PLAY.scenes["one"]
SILENCE_S = 0.01


def backend_of(replay: Replay) -> Any:
    return ComfyUI(url=replay.url, silence_s=SILENCE_S)


def with_answers(recording: Recording, path_start: str, answered: bytes) -> Recording:
    """The recording with other words at a path: what could not be brought about when it was made."""
    for exchange in recording.exchanges:
        if exchange.path.startswith(path_start):
            exchange.answered = Body.of(answered)
    return recording


async def test_picture_comes_without_any_websocket() -> None:
    told: list[Progress] = []
    async with replayed(read(PLAY.file("one"))) as replay:
        replay.refuses_sockets = True
        backend = backend_of(replay)
        await backend.start()
        pictures = await backend.generate(ORDER, told.append)
        await backend.close()

    assert len(pictures) == 1
    assert [progress.share for progress in told] == [1.0]


async def test_picture_comes_when_the_websocket_says_nothing() -> None:
    async with replayed(read(PLAY.file("one"))) as replay:
        replay.is_silent = True
        backend = backend_of(replay)
        await backend.start()
        pictures = await backend.generate(ORDER, lambda progress: None)
        await backend.close()

    assert len(pictures) == 1


async def test_order_that_a_restart_has_wiped_out_fails_with_a_reason() -> None:
    async with replayed(with_answers(read(PLAY.file("one")), "/history/", b"{}")) as replay:
        replay.is_silent = True
        backend = backend_of(replay)
        await backend.start()
        with pytest.raises(BackendFailed, match="no longer knows the order; it was restarted"):
            await backend.generate(ORDER, lambda progress: None)
        await backend.close()


async def test_running_out_of_memory_is_told_apart_from_other_failures() -> None:
    recording = read(PLAY.file("broken_model"))
    history = next(e for e in recording.exchanges if e.path.startswith("/history/"))
    words = history.answered.content.replace(
        b"safetensors._safetensors_rust.SafetensorError", b"torch.OutOfMemoryError"
    )
    async with replayed(with_answers(recording, "/history/", words)) as replay:
        backend = backend_of(replay)
        await backend.start()
        with pytest.raises(OutOfMemory, match="out of memory in CheckpointLoaderSimple"):
            await backend.generate(PLAY.scenes["broken_model"], lambda progress: None)
        await backend.close()


async def test_graph_that_ends_without_a_picture_fails_with_a_reason() -> None:
    recording = read(PLAY.file("one"))
    history = next(e for e in recording.exchanges if e.path.startswith("/history/"))
    entries = msgspec.json.decode(history.answered.content)
    for entry in entries.values():
        entry["outputs"] = {}
    async with replayed(with_answers(recording, "/history/", msgspec.json.encode(entries))) as replay:
        backend = backend_of(replay)
        await backend.start()
        with pytest.raises(BackendFailed, match="ended without a picture"):
            await backend.generate(ORDER, lambda progress: None)
        await backend.close()
