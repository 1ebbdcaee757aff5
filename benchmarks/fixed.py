"""The limit of the HTTP layer: an ASGI application that reads every body and answers bytes that were made before.

Run as `python -m benchmarks.fixed PORT PROCESSES`, with the answers in the folder that BENCH_ANSWERS names: uvicorn,
with the options of `horde serve`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path

import msgspec
import uvicorn
from litestar import Litestar, Request, Response, route
from litestar.datastructures import State
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from horde.cli.gathering import gathering
from horde.cli.listening import shared_listeners
from horde.server.api import errors
from horde.server.api.edge.every_answer import EveryAnswer
from horde.server.api.edge.head import HeadAsGet

# ASGI's own messages are open dictionaries.
Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FILE_NAME = "answers.msgpack"
HEARTBEAT = "/api/v2/status/heartbeat"
"""Asked by who waits for the server."""
MADE_BY_UVICORN = (b"date", b"server", b"connection", b"transfer-encoding")


class Fixed:
    """Answers each route with the bytes that the server under test gave once."""

    def __init__(self, folder: Path) -> None:
        self._answers: dict[str, tuple[Message, Message]] = {}
        for address, answer in msgspec.msgpack.decode((folder / FILE_NAME).read_bytes(), type=dict[str, bytes]).items():
            self._answers[address] = _messages(answer)

    @property
    def routes(self) -> list[str]:
        """Each `METHOD /path` that it answers."""
        return list(self._answers)

    def body(self, method: str, path: str) -> bytes:
        """What it answers there."""
        _, body = self._answers.get(f"{method} {_route(path)}", UNKNOWN)
        content = body["body"]
        assert isinstance(content, bytes)
        return content

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:  # noqa: D102 - ASGI's own
        if scope["type"] != "http":
            return
        while (await receive()).get("more_body"):
            pass
        start, body = self._answers.get(f"{scope['method']} {_route(str(scope['path']))}", UNKNOWN)
        await send(start)
        await send(body)


UNKNOWN: tuple[Message, Message] = (
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"{}"},
)
"""The heartbeat, and what no scenario recorded."""


def write_answers(folder: Path, answers: Mapping[str, bytes]) -> None:
    """Leave answers, each with its headers, for a `Fixed` of that folder."""
    (folder / FILE_NAME).write_bytes(msgspec.msgpack.encode(dict(answers)))


def route_of(request: bytes) -> str:
    """`METHOD /path` of a request, an id at its end left out."""
    method, path, _ = request.split(b" ", 2)
    return f"{method.decode()} {_route(path.decode())}"


def _route(path: str) -> str:
    head, _, last = path.rpartition("/")
    return head if len(last) == 36 else path


def _messages(answer: bytes) -> tuple[Message, Message]:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    pairs = [line.split(b": ", 1) for line in lines]
    headers = [(name.lower(), value) for name, value in pairs if name.lower() not in MADE_BY_UVICORN]
    return (
        {"type": "http.response.start", "status": int(first.split(b" ")[1]), "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def application() -> Fixed | Litestar:
    """What answers, by the environment."""
    fixed = Fixed(Path(os.environ["BENCH_ANSWERS"]))
    return framed(fixed) if os.environ.get("BENCH_FRAMEWORK") else fixed


def framed(fixed: Fixed) -> Litestar:
    """The same answers by handlers of the framework that the server is written in, with what it puts around them."""
    paths = [HEARTBEAT, *(path for route in fixed.routes for path in _litestar_paths(route))]

    @route(paths, http_method=["GET", "POST"], status_code=200)
    async def answer(request: Request[object, object, State]) -> Response[bytes]:
        if request.method == "POST":
            await request.body()
        return Response(fixed.body(request.method, request.url.path), media_type="application/json")

    app = Litestar([answer], exception_handlers=errors.handlers(), logging_config=None)
    app.asgi_handler = EveryAnswer(HeadAsGet(app.asgi_handler), port=0)
    return app


def _litestar_paths(route: str) -> list[str]:
    path = route.partition(" ")[2]
    return [path, f"{path}/{{id:str}}"]


def serve(port: int) -> None:
    """Answer at this port until told to stop, with the options of `horde serve`; several processes may."""
    config = uvicorn.Config(
        application(), http=gathering(AutoHTTPProtocol), lifespan="off", access_log=False, server_header=False
    )
    uvicorn.Server(config).run(shared_listeners("127.0.0.1", port))


def serve_by(processes: int, port: int) -> None:
    """The same by several processes, which end with this one."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    fork = multiprocessing.get_context("fork")
    children = [fork.Process(target=serve, args=(port,)) for _ in range(processes)]
    try:
        for child in children:
            child.start()
        for child in children:
            child.join()
    finally:
        for child in children:
            child.terminate()


if __name__ == "__main__":
    port, processes = int(sys.argv[1]), int(sys.argv[2])
    if processes > 1:
        serve_by(processes, port)
    else:
        serve(port)
