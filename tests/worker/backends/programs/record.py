"""Record what a real program says: `python -m tests.worker.backends.programs.record PLAY URL FOLDER [SCENE...]`.

FOLDER is where the program lies; in the recordings its name is put away. The recorder stands between the back end
and the program, so that what is recorded is what went over the wire. Run it by hand when a scene is new or a program
has a new version; the tests replay the files.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import suppress
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from horde.worker.backends.base import BackendFailed
from horde.worker.probe import programs
from tests.worker.backends.programs.fetched import fetched, orders
from tests.worker.backends.programs.recording import HOME, LENT, Body, Exchange, Recording, write
from tests.worker.backends.programs.replay import Receive, Scope, Send, body_of, respond, served
from tests.worker.backends.programs.scenes import FETCHED, PLAYS, PROBE, Play

PATIENCE_S = 600
LENT_HERE = re.compile(rb"horde-[0-9a-f]{8}-(?=[0-9a-f]{16})")


class Recorder:
    """Hands everything on, and writes it down."""

    def __init__(self, target: str, home: str) -> None:
        self._home = home.encode()
        self.exchanges: list[Exchange] = []
        self._target = target
        self._client = httpx.AsyncClient(base_url=target, timeout=PATIENCE_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode()
        path = scope["raw_path"].decode() + (f"?{query}" if query else "")
        if scope["type"] == "websocket":
            await self._listen(path, receive, send)
        else:
            await self._hand_on(scope, path, receive, send)

    async def _hand_on(self, scope: Scope, path: str, receive: Receive, send: Send) -> None:
        asked = await body_of(receive)
        kept = {name: value for name, value in scope["headers"] if name in (b"content-type", b"accept")}
        answer = await self._client.request(scope["method"], path, content=asked, headers=list(kept.items()))
        content_type = answer.headers.get("content-type", "")
        exchange = Exchange(
            method=scope["method"],
            path=path,
            asked=self._put_away(asked),
            status=answer.status_code,
            content_type=content_type,
            answered=self._put_away(answer.content),
        )
        self.exchanges.append(exchange)
        await respond(send, answer.status_code, content_type, answer.content)

    def _put_away(self, content: bytes) -> Body:
        body = Body.of(content)
        # Pictures have checksums of what they say of themselves.
        return body if body.base64 else Body.of(LENT_HERE.sub(LENT, content.replace(self._home, HOME)))

    async def _listen(self, path: str, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        async with connect(self._target.replace("http", "ws", 1) + path, max_size=None, proxy=None) as far:
            pumping = asyncio.ensure_future(self._pump(far, send))
            while (await receive())["type"] != "websocket.disconnect":
                pass
            pumping.cancel()
            with suppress(asyncio.CancelledError):
                await pumping

    async def _pump(self, far: object, send: Send) -> None:
        with suppress(ConnectionClosed):
            async for said in far:  # type: ignore[attr-defined]  # a connection of websockets
                # What comes before the first order belongs to no exchange, and the back end does not look at it.
                for exchange in reversed(self.exchanges):
                    if exchange.method == "POST" and exchange.path == "/prompt":
                        exchange.socket.append(self._put_away(said if isinstance(said, bytes) else said.encode()))
                        break
                await send({"type": "websocket.send", "bytes" if isinstance(said, bytes) else "text": said})


async def record(name: str, target: str, home: str, wanted: list[str]) -> None:
    play = PLAYS[name]
    for scene in (*play.scenes, *([FETCHED] if play.lending else []), PROBE):
        if wanted and scene not in wanted:
            continue
        recorder = Recorder(target, home)
        async with served(recorder) as url:
            if scene == PROBE:
                await programs([url])
            elif scene == FETCHED:
                await perform_fetched(play, url)
            else:
                await perform(play, scene, url)
        origin = f"recorded from the real program on {date.today().isoformat()}, {play.circumstances}"  # noqa: DTZ011
        file = play.file(scene)
        write(file, Recording(program=play.program, origin=origin, exchanges=play.trimmed(recorder.exchanges)))
        sys.stderr.write(f"{name} {scene}: {len(recorder.exchanges)} exchanges, {file.stat().st_size} bytes\n")


async def perform(play: Play, scene: str, url: str) -> None:
    backend = play.made(url)
    await backend.start()
    await backend.ready()
    with suppress(BackendFailed):  # a scene may be one that fails
        await backend.generate(play.scenes[scene], lambda progress: None)
    await backend.close()


async def perform_fetched(play: Play, url: str) -> None:
    assert play.lending is not None
    with TemporaryDirectory() as folder:
        async with fetched(Path(folder)) as add_ons:
            backend = play.lending(url, Path(folder))
            await backend.start()
            for order in orders(add_ons).values():
                await backend.generate(order, lambda progress: None)
            await backend.close()


if __name__ == "__main__":
    play, program, folder, *scenes = sys.argv[1:]
    asyncio.run(record(play, program, folder, scenes))
