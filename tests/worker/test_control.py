"""Steering a running worker from another terminal: only its user, only with its token, and never in its way."""

import asyncio
import json
import os
import stat
from pathlib import Path

import pytest

from horde.worker import control
from horde.worker.control import State, Verb, Where, listening, running, tell

STATE = State(
    name="rig", horde="http://horde", backend="demo", models=["demo"], paused_for="", jobs=[], done_today=1,
    faults_today=0, last_fault="", kudos_today=1.5, kudos_per_hour=1.5, skipped={},
)  # fmt: skip


class Worker:
    """Obeys, and remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[Verb] = []

    def obey(self, verb: Verb) -> State:
        self.told.append(verb)
        return STATE


async def test_owner_reaches_a_worker_that_runs(tmp_path: Path) -> None:
    worker = Worker()
    async with listening(tmp_path, "rig", worker.obey):
        (where,) = running(tmp_path)
        state = await asyncio.to_thread(tell, where, "pause")

    assert (where.name, where.pid) == ("rig", os.getpid())
    assert (state, worker.told) == (STATE, ["pause"])
    assert running(tmp_path) == []


async def test_only_its_user_may_read_how_to_reach_it(tmp_path: Path) -> None:
    async with listening(tmp_path, "../../rig", Worker().obey):
        (path,) = (tmp_path / "running").iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "line",
    [b'{"token":"guessed","verb":"stop"}', b'{"verb":"stop"}', b"stop", b"\xff\xfe", b"x" * 70_000, b""],
    ids=["wrong token", "no token", "no JSON", "no text", "too long", "nothing"],
)
async def test_stranger_gets_no_answer_and_changes_nothing(tmp_path: Path, line: bytes) -> None:
    worker = Worker()
    async with listening(tmp_path, "rig", worker.obey):
        (where,) = running(tmp_path)
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        writer.write(line + b"\n")
        try:
            answer = await asyncio.wait_for(reader.read(), 10)
        except ConnectionError:
            answer = b""
        writer.close()

    assert (answer, worker.told) == (b"", [])


async def test_verb_that_there_is_not_changes_nothing(tmp_path: Path) -> None:
    worker = Worker()
    async with listening(tmp_path, "rig", worker.obey):
        (where,) = running(tmp_path)
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        writer.write(json.dumps({"token": where.token, "verb": "explode"}).encode() + b"\n")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()

    assert worker.told == []


def test_file_of_a_worker_that_was_killed_is_deleted(tmp_path: Path) -> None:
    (tmp_path / control.FOLDER).mkdir()
    gone = Where(name="gone", pid=2**22 + 1, port=1, token="t")  # above the largest pid there can be
    control._write(control._path(tmp_path, "gone"), gone)

    assert running(tmp_path) == []
    assert list((tmp_path / control.FOLDER).iterdir()) == []


def test_worker_that_does_not_answer_is_an_error() -> None:
    with pytest.raises(ConnectionRefusedError):
        tell(Where(name="away", pid=1, port=9, token="t"), "status")
