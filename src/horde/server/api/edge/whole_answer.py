"""An answer held back until it is whole, for who must see all of it before it goes; not for what is streamed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from litestar.types import ASGIApp, Message, Receive, Scope, Send

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """Status, headers and body."""

    status: int
    headers: Headers
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON."""
        return any(name == b"content-type" and value.startswith(b"application/json") for name, value in self.headers)

    def with_body(self, body: bytes) -> WholeAnswer:
        """The same with another body."""
        length = (b"content-length", b"%d" % len(body))
        return replace(self, body=body, headers=[*without(self.headers, b"content-length"), length])

    def with_headers(self, headers: Headers) -> WholeAnswer:
        """The same with more headers."""
        return replace(self, headers=[*self.headers, *headers])

    async def send(self, send: Send) -> None:
        """Answer with it."""
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def without(headers: Headers, name: bytes) -> list[tuple[bytes, bytes]]:
    """The headers but for one."""
    return [header for header in headers if header[0].lower() != name]


async def whole_answer(app: ASGIApp, scope: Scope, receive: Receive) -> WholeAnswer | None:
    """What `app` answers to a call; None when it answered nothing, the caller having hung up."""
    started: tuple[int, Headers] | None = None
    parts: list[bytes] = []

    async def keep(message: Message) -> None:
        nonlocal started
        if message["type"] == "http.response.start":
            started = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            parts.append(message["body"])

    await app(scope, receive, keep)
    return WholeAnswer(*started, b"".join(parts)) if started else None


async def send_json(send: Send, status: int, content: object, headers: Headers = ()) -> None:
    """Answer with a value in JSON."""
    body = msgspec.json.encode(content)
    described = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    await WholeAnswer(status, described, body).send(send)
