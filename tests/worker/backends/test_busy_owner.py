"""While the owner of a program uses it himself, the worker takes no job."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest

from horde.worker.backends.base import Progress
from tests.worker.backends.programs.recording import Body, Exchange, Recording, read
from tests.worker.backends.programs.replay import replayed
from tests.worker.backends.programs.scenes import PLAYS, picture

HANGS_S = 30
BUSY: dict[str, tuple[str, dict[str, Any]]] = {
    "comfyui": ("/prompt", {"exec_info": {"queue_remaining": 1}}),
    "koboldcpp": ("/api/extra/perf", {"idle": 0, "queue": 0}),
    "forge": (
        "/sdapi/v1/progress?skip_current_image=true",
        {"progress": 0.4, "state": {"job": "task(4gnk5v2hkzd9jmh)", "job_count": 1}, "current_image": None},
    ),
}
"""What each says while it works for its owner. Written after its source, not recorded."""


def with_busy_owner(name: str, *, looks: int) -> Recording:
    """The recording of a program that is busy for its owner at the first looks."""
    recording = read(PLAYS[name].file("one"))
    path, answer = BUSY[name]
    body = Body.of(msgspec.json.encode(answer))
    busy = Exchange(method="GET", path=path, asked=Body(), status=200, content_type="application/json", answered=body)
    recording.exchanges = [*[busy] * looks, *recording.exchanges]
    return recording


@pytest.mark.parametrize("name", BUSY)
async def test_worker_waits_until_its_owner_is_done(name: str) -> None:
    async with replayed(with_busy_owner(name, looks=3)) as replay:
        backend = PLAYS[name].made(replay.url)
        await backend.start()
        async with asyncio.timeout(HANGS_S):
            await backend.ready()
        await backend.close()

    assert replay.asked.count(f"GET {BUSY[name][0]}") == 4


OWN: dict[str, dict[str, Any]] = {
    "comfyui": {"exec_info": {"queue_remaining": 1}},
    "koboldcpp": {"idle": 0, "queue": 0},
    "forge": {"progress": 0.4, "state": {"job": "scripts_txt2img", "job_count": 1}, "current_image": None},
}
"""What each says while it works for us."""


@pytest.mark.parametrize("name", OWN)
async def test_work_of_our_own_is_not_taken_for_the_owners(name: str) -> None:
    play, path = PLAYS[name], BUSY[name][0]
    recording = read(play.file("one"))
    for exchange in recording.exchanges:
        if exchange.path == path and exchange.method == "GET":
            exchange.answered = Body.of(msgspec.json.encode(OWN[name]))
    async with replayed(recording) as replay:
        backend = play.made(replay.url)
        await backend.start()
        replay.held_path, replay.is_silent = play.working_path, play.working_path is None
        working = asyncio.create_task(backend.generate(play.scenes["one"], lambda progress: None))
        async with asyncio.timeout(HANGS_S):
            await replay.held.wait()
            await backend.ready()
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        await backend.close()


async def test_koboldcpp_that_its_owner_got_hold_of_first_is_asked_again() -> None:
    recording = read(PLAYS["koboldcpp"].file("one"))
    generation = next(e for e in recording.exchanges if e.path.endswith("/stream"))
    busy = msgspec.structs.replace(
        generation, status=503, answered=Body.of(b'{"detail": {"msg": "Server is busy; please try again later."}}')
    )
    recording.exchanges.insert(0, busy)
    async with replayed(recording) as replay:
        backend = PLAYS["koboldcpp"].made(replay.url)
        await backend.start()
        (text,) = await backend.generate(PLAYS["koboldcpp"].scenes["one"], lambda progress: None)
        await backend.close()

    assert text.text
    assert replay.asked.count("POST /api/extra/generate/stream") == 2


async def test_picture_of_the_owner_is_no_preview_of_ours_and_is_not_stopped_with_ours() -> None:
    """Our job waits in the web UI's queue while the owner's is made; then it is cancelled."""
    play = PLAYS["forge"]
    recording = with_busy_owner("forge", looks=1)
    path, answer = BUSY["forge"]
    look = path.replace("true", "false")
    answer = {**answer, "current_image": base64.b64encode(picture()).decode()}
    owners = msgspec.structs.replace(recording.exchanges[0], path=look, answered=Body.of(msgspec.json.encode(answer)))
    recording.exchanges = [
        e for e in recording.exchanges if not e.path.startswith("/sdapi/v1/progress") or e is recording.exchanges[0]
    ] + [owners]
    told: list[Progress] = []
    async with replayed(recording) as replay:
        replay.held_path = play.working_path
        backend = play.made(replay.url)
        await backend.start()
        working = asyncio.create_task(backend.generate(play.scenes["one"], told.append))
        async with asyncio.timeout(HANGS_S):
            await replay.held.wait()
            while replay.asked.count(f"GET {look}") < 2:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
        await backend.close()

    assert told == []
    assert "POST /sdapi/v1/interrupt" not in replay.asked
    assert f"GET {path}" in replay.asked
