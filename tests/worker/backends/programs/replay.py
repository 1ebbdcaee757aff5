"""Plays a recorded program over real HTTP and a real websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from tests.worker.backends.programs.recording import Body, Exchange, Recording

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

NOT_RECORDED = 501
POLICY = 1008


class Replay:
    """Answers each request as the program did, in order; the last of equal requests is answered again and again.

    A request that was never recorded is answered with 501: the back end asks for something new, so the scene has to
    be recorded anew (`python -m tests.worker.backends.programs.record`).
    """

    def __init__(self, recording: Recording) -> None:
        self.url = ""
        self.held_path: str | None = None
        """Requests to this path are not answered, until whoever asks goes away."""
        self.looks_path: str | None = None
        """What is answered after looks at this path in the recording waits for them here too."""
        self.is_silent = False
        """Nothing is said on websockets: the program works on and on."""
        self.refuses_sockets = False
        self.held = asyncio.Event()
        """Somebody waits for an answer or a word that does not come."""
        self.left = asyncio.Event()
        """Whoever waited for an answer has gone away."""
        self.here: dict[bytes, bytes] = {}
        """What is called otherwise here than in the recording, by the recording's words."""
        self.seen: Callable[[str, bytes], None] = lambda path, asked: None
        """Is called with each request, before it is answered."""
        self.asked: list[str] = []
        self.unknown: list[str] = []
        self._recorded = recording.exchanges
        self._left = list(recording.exchanges)
        self._turn = asyncio.Event()
        self._said: asyncio.Queue[Body] = asyncio.Queue()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._speak(receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode() + (f"?{query}" if query else "")
        asked = await body_of(receive)
        self.asked.append(f"{scope['method']} {path}")
        self.seen(path, asked)
        if path == self.held_path:
            self.held.set()
            await receive()
            self.left.set()
            return
        self._turn.set()
        exchange = self._next(scope["method"], path, self._as_recorded(asked))
        if exchange is None:
            self.unknown.append(f"{scope['method']} {path} {asked.decode(errors='replace')}")
            await respond(send, NOT_RECORDED, "text/plain", f"never recorded: {self.unknown[-1]}".encode())
            return
        await self._in_turn(exchange)
        await respond(send, exchange.status, exchange.content_type, self._as_here(exchange.answered))
        if exchange.socket and self.is_silent:
            self.held.set()
            return
        for said in exchange.socket:
            self._said.put_nowait(said)

    async def _in_turn(self, exchange: Exchange) -> None:
        if exchange.path == self.looks_path:
            return
        before = self._recorded[: self._recorded.index(exchange)]
        looks = sum(earlier.path == self.looks_path for earlier in before)
        # One look more shows that what the last one saw has been taken in.
        while looks and self.asked.count(f"GET {self.looks_path}") <= looks:
            self._turn.clear()
            await self._turn.wait()

    def _as_here(self, body: Body) -> bytes:
        said = body.content
        if not body.base64:
            for there, here in self.here.items():
                said = said.replace(there, here)
        return said

    def _as_recorded(self, asked: bytes) -> bytes:
        for there, here in self.here.items():
            asked = asked.replace(here, there)
        return asked

    def _next(self, method: str, path: str, asked: bytes) -> Exchange | None:
        fitting = [exchange for exchange in self._left if exchange.fits(method, path, asked)]
        if len(fitting) > 1:
            self._left.remove(fitting[0])
        return fitting[0] if fitting else None

    async def _speak(self, receive: Receive, send: Send) -> None:
        await receive()
        if self.refuses_sockets:
            await send({"type": "websocket.close", "code": POLICY})
            return
        await send({"type": "websocket.accept"})
        going = asyncio.ensure_future(receive())
        while not going.done():
            saying = asyncio.ensure_future(self._said.get())
            await asyncio.wait({going, saying}, return_when=asyncio.FIRST_COMPLETED)
            if not saying.done():
                saying.cancel()
                break
            said = saying.result()
            word = {"bytes": said.content} if said.base64 else {"text": said.content.decode()}
            await send({"type": "websocket.send", **word})


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI application on a free port of this machine; its address."""
    config = uvicorn.Config(
        app, port=0, lifespan="off", log_config=None, ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    ticking = asyncio.ensure_future(server.main_loop())
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await ticking
        await server.shutdown()


@asynccontextmanager
async def replayed(recording: Recording) -> AsyncIterator[Replay]:
    """The program of a recording, running."""
    replay = Replay(recording)
    async with served(replay) as url:
        replay.url = url
        yield replay


async def body_of(receive: Receive) -> bytes:
    content = bytearray()
    while True:
        message = await receive()
        content += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(content)


async def respond(send: Send, status: int, content_type: str, content: bytes) -> None:
    headers = [(b"content-type", content_type.encode())] if content_type else []
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
