"""The servers under test, each a process of its own: `horde serve` on a fresh data directory, and the fixed answers."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import calls
from benchmarks.connections import ConnectionLost, connections
from benchmarks.fixed import write_answers

START_S_MAX = 120.0
STOP_S_MAX = 60.0
POLL_S = 0.1
OK = 200
LOG_CHARACTERS_SHOWN = 3000
LIMITS_OFF = {"HORDE_RATE_LIMITS": "off", "HORDE_UPFRONT_KUDOS": "off"}
"""All load comes from one address, which the limits of the contract would refuse."""


class NotStarted(Exception):
    """A server under test ended, or did not answer in time; the message holds its last words."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    process_id: int
    port: int
    data_dir: Path


@dataclass(frozen=True, slots=True)
class Installation:
    """How servers are started: which `horde`, and how many processes share the work of one."""

    horde: Path
    workers: int
    folder: Path
    """For the data of all servers; who made it removes it."""

    @property
    def workers_flag(self) -> list[str]:
        """Left out for one, which every version does by itself."""
        return ["--workers", str(self.workers)] if self.workers > 1 else []


@asynccontextmanager
async def horde_server(installation: Installation) -> AsyncIterator[Server]:
    """A horde without any data, with a PostgreSQL of its own as in production (fsync on), until the block ends."""
    folder = _fresh_folder(installation)
    port = _free_port()
    command = [str(installation.horde), "serve", "--data", str(folder / "data"), "--port", str(port)]
    async with _running([*command, *installation.workers_flag], port, folder, LIMITS_OFF) as server:
        yield server


@asynccontextmanager
async def fixed_server(
    installation: Installation, answers: Mapping[str, bytes], *, is_framed: bool = False
) -> AsyncIterator[Server]:
    """The same HTTP stack with fixed answers: a raw answer for each `METHOD /path/prefix`.

    `is_framed`: given by handlers of the framework that the server is written in.
    """
    folder = _fresh_folder(installation)
    port = _free_port()
    command = [sys.executable, "-m", "benchmarks.fixed", str(port), str(installation.workers)]
    write_answers(folder, answers)
    variables = {"BENCH_ANSWERS": str(folder), **({"BENCH_FRAMEWORK": "1"} if is_framed else {})}
    async with _running(command, port, folder, variables) as server:
        yield server


@asynccontextmanager
async def _running(
    command: Sequence[str], port: int, folder: Path, variables: Mapping[str, str]
) -> AsyncIterator[Server]:
    log_path = folder / "server.log"
    process = _start(command, variables, log_path)
    try:
        if not await _answers_in_time(process, port):
            raise NotStarted(f"the server does not answer; its last words: {_last_words(log_path)}")
        yield Server(process.pid, port, folder / "data")
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def _answers_in_time(process: subprocess.Popen[bytes], port: int) -> bool:
    for _ in range(int(START_S_MAX / POLL_S)):
        if process.poll() is not None:
            return False
        try:
            async with connections(port, 1) as (connection,):
                if (await connection.call(calls.heartbeat())).status == OK:
                    return True
        except (OSError, ConnectionLost):
            pass  # nothing listens yet
        await asyncio.sleep(POLL_S)
    return False


def _start(command: Sequence[str], variables: Mapping[str, str], log_path: Path) -> subprocess.Popen[bytes]:
    ours = {name: text for name, text in os.environ.items() if not name.startswith("HORDE_") and name != "DATABASE_URL"}
    with log_path.open("wb") as log:
        return subprocess.Popen(command, env={**ours, **variables}, stdout=log, stderr=subprocess.STDOUT)


def _last_words(log_path: Path) -> str:
    return log_path.read_text(errors="replace")[-LOG_CHARACTERS_SHOWN:]


def _fresh_folder(installation: Installation) -> Path:
    folder = Path(tempfile.mkdtemp(dir=installation.folder))
    folder.chmod(0o711)  # as the folder around it
    return folder


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
