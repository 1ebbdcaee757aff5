"""Lets the owner look at and steer a running worker, from another terminal on the same machine.

The worker listens on a port of this machine alone, and writes it with a token into a file that only its user may read.
A call is one JSON line, and so is the answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec
import psutil
import structlog

log = structlog.get_logger("worker")

LINE_MAX = 64 * 1024
PATIENCE_S = 5.0
FOLDER = "running"
Verb = Literal["status", "pause", "resume", "stop"]


class Job(msgspec.Struct, kw_only=True):
    """One batch in progress."""

    kind: str
    about: str
    jobs: int
    stage: str
    share: float
    seconds: float


class State(msgspec.Struct, kw_only=True):
    """What a worker says of itself."""

    name: str
    horde: str
    backend: str
    models: list[str]
    paused_for: str
    jobs: list[Job]
    done_today: int
    faults_today: int
    last_fault: str
    kudos_today: float
    kudos_per_hour: float
    skipped: dict[str, int]


class Where(msgspec.Struct, kw_only=True):
    """How to reach a running worker."""

    name: str
    pid: int
    port: int
    token: str


class Order(msgspec.Struct, kw_only=True):
    """What the owner wants."""

    token: str
    verb: Verb


@asynccontextmanager
async def listening(data: Path, name: str, obey: Callable[[Verb], State]) -> AsyncIterator[None]:
    """Obey the owner for as long as the context. Where the file cannot be written, nobody is listened to."""
    token = secrets.token_urlsafe(32)

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(PATIENCE_S):
                order = msgspec.json.decode(await reader.readline(), type=Order)
                if hmac.compare_digest(order.token.encode(), token.encode()):
                    writer.write(msgspec.json.encode(obey(order.verb)) + b"\n")
                    await writer.drain()
        writer.close()

    server = await asyncio.start_server(hear, "127.0.0.1", 0, limit=LINE_MAX)
    path = _path(data, name)
    try:
        port = server.sockets[0].getsockname()[1]
        _write(path, Where(name=name, pid=os.getpid(), port=port, token=token))
    except OSError as error:
        log.warning("this worker cannot be steered from another terminal", reason=str(error))
    async with server:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def running(data: Path) -> list[Where]:
    """The workers of this user that run on this machine, by name. Files of those that were killed are deleted."""
    found = []
    for path in sorted((data / FOLDER).glob("*.json")):
        with contextlib.suppress(OSError, msgspec.DecodeError):
            where = msgspec.json.decode(path.read_bytes(), type=Where)
            if psutil.pid_exists(where.pid):
                found.append(where)
            else:
                path.unlink(missing_ok=True)
    return found


def tell(where: Where, verb: Verb) -> State:
    """Have a running worker do something, and hear how it is then. Raises OSError when it does not answer."""
    order = msgspec.json.encode(Order(token=where.token, verb=verb)) + b"\n"
    with socket.create_connection(("127.0.0.1", where.port), timeout=PATIENCE_S) as line, line.makefile("rb") as heard:
        line.sendall(order)
        try:
            return msgspec.json.decode(heard.readline(), type=State)
        except msgspec.DecodeError as error:
            raise OSError(f"it does not answer as a worker does: {error}") from error


def _path(data: Path, name: str) -> Path:
    return data / FOLDER / f"{name.encode().hex()}.json"


def _write(path: Path, where: Where) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(where))
    os.replace(draft, path)
