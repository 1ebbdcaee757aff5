"""The few calls that make up nearly all of the load, answered without the framework's way around them.

A handler that is marked with `opt=HOT` is called directly: its arguments come from the same places as the framework
takes them from, its answer is the same, and so are its refusals. Whatever is out of the ordinary (no key, no JSON body)
goes the framework's way, and so does a call with `X-Fields`. What that spares: docs/decisions/hot-calls.md.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast, get_args, get_type_hints

import msgspec
from litestar import Litestar, Request, Response
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, PathParameter
from litestar.routes import HTTPRoute
from litestar.types import (
    ASGIApp,
    HTTPDisconnectEvent,
    HTTPReceiveMessage,
    HTTPRequestEvent,
    HTTPScope,
    Receive,
    Scope,
    Send,
)

from horde.server.api import errors
from horde.server.api.auth import AUTHENTICATIONS
from horde.server.api.body import BODY_BYTES_MAX, JSON_TYPES, decode
from horde.server.api.connection import AnyRequest, services_of
from horde.server.context import Context

HOT: Final = {"is_hot": True}
"""Mark of a handler: `@post("/pop", opt=HOT)`. It takes `request`, `ctx`, `user` or `asker`, `data`, headers and one id
at the end of its path, as far as it takes them, and nothing else."""
JSON_HEADER = (b"content-type", b"application/json")
encode = msgspec.json.Encoder().encode


class Gone(Exception):
    """The caller hung up before all was said."""


@dataclass(frozen=True, slots=True)
class _HeaderArgument:
    parameter: str
    header: bytes


@dataclass(frozen=True, slots=True)
class _Hot:  # type: ignore[explicit-any]
    """A handler, and what it takes."""

    handler: HTTPRouteHandler
    act: Callable[..., Awaitable[object]]  # type: ignore[explicit-any]  # each handler takes what it takes
    status: int
    takes: frozenset[str]
    body: type | None
    headers: tuple[_HeaderArgument, ...]
    path_argument: str | None
    key_argument: str | None
    """As what it takes the key."""

    @classmethod
    def of(cls, handler: HTTPRouteHandler) -> _Hot:
        act = handler.fn
        hints = get_type_hints(act, include_extras=True)
        names = list(inspect.signature(act).parameters)
        headers = []
        path_argument = None
        for name in names:
            for mark in get_args(hints[name])[1:]:
                if isinstance(mark, HeaderParameter):
                    headers.append(_HeaderArgument(name, str(mark.name).lower().encode()))
                elif isinstance(mark, PathParameter):
                    path_argument = name
        body = get_args(hints["data"])[0] if "data" in names else None
        key = next((name for name in names if name in AUTHENTICATIONS), None)
        return cls(handler, act, handler.status_code, frozenset(names), body, tuple(headers), path_argument, key)


class ShortCuts:
    """Answers the calls of hot handlers, and passes all others on."""

    def __init__(self, app: ASGIApp, litestar: Litestar) -> None:
        self._app = app
        self._hot: dict[tuple[str, str], _Hot] = {}
        for route in litestar.routes:
            for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
                if handler.opt.get("is_hot"):
                    path = route.path.partition("{")[0]
                    self._hot.update({(method, path): _Hot.of(handler) for method in handler.http_methods})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        if scope["type"] != ScopeType.HTTP or not await self._is_answered(scope, receive, send):
            await self._app(scope, receive, send)

    async def _is_answered(self, scope: HTTPScope, receive: Receive, send: Send) -> bool:
        method, path = scope["method"], scope["path"]
        hot = self._hot.get((method, path)) or self._hot.get((method, path[: path.rfind("/") + 1]))
        headers = dict(scope["headers"])
        if hot is None or not _is_ordinary(hot, headers):
            return False
        with contextlib.suppress(Gone):
            await self._answer(hot, scope, headers, receive, send)
        return True

    async def _answer(
        self, hot: _Hot, scope: HTTPScope, headers: Mapping[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        body = await _body(receive) if hot.body else b""
        # Who reads the body again asks the route's handler how long it may be.
        scope["route_handler"] = hot.handler
        request: AnyRequest = Request(scope, _again(body, receive), send)
        try:
            answer = await hot.act(**await _arguments(hot, request, headers, body))
        except Exception as error:  # noqa: BLE001 - rendered as the framework would
            answer = errors.answer(request, error)
        await self._send(answer, hot.status, send)

    async def _send(self, answer: object, status: int, send: Send) -> None:
        added: list[tuple[bytes, bytes]] = []
        if isinstance(answer, Response):
            status, added = answer.status_code or status, [(n.encode(), v.encode()) for n, v in answer.headers.items()]
            answer = answer.content
        content = answer if isinstance(answer, bytes) else encode(answer)
        headers = [JSON_HEADER, (b"content-length", b"%d" % len(content)), *added]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content, "more_body": False})


def _is_ordinary(hot: _Hot, headers: Mapping[bytes, bytes]) -> bool:
    if b"x-fields" in headers or (hot.key_argument and b"apikey" not in headers):
        return False
    if hot.body is None:
        return True
    content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    length = headers.get(b"content-length", b"")
    return content_type in JSON_TYPES and length.isdigit() and 0 < int(length) <= BODY_BYTES_MAX


async def _body(receive: Receive) -> bytes:
    """The whole body, whose length the HTTP server sees to. Raises Gone when the caller hangs up in it."""
    parts = []
    while True:
        message = cast("HTTPRequestEvent | HTTPDisconnectEvent", await receive())
        if message["type"] == "http.disconnect":
            raise Gone
        parts.append(message["body"])
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body that was read, for who reads the request; after it what comes."""
    whole: HTTPReceiveMessage | None = {"type": "http.request", "body": body, "more_body": False}

    async def receive_again() -> HTTPReceiveMessage:
        nonlocal whole
        if whole is not None:
            first, whole = whole, None
            return first
        return cast("HTTPReceiveMessage", await receive())

    return receive_again


async def _arguments(hot: _Hot, request: AnyRequest, headers: Mapping[bytes, bytes], body: bytes) -> dict[str, object]:
    ctx = Context.at_present(services_of(request))
    arguments: dict[str, object] = {}
    for argument in hot.headers:
        if (text := headers.get(argument.header)) is not None:
            arguments[argument.parameter] = text.decode("latin-1")
    if "request" in hot.takes:
        arguments["request"] = request
    if hot.path_argument:
        arguments[hot.path_argument] = request.scope["path"].rpartition("/")[2]
    # The framework reads the body before it asks who calls, and refuses in that order.
    if hot.body:
        arguments["data"] = decode(body, hot.body)
    if name := hot.key_argument:
        arguments[name] = await AUTHENTICATIONS[name](ctx, headers[b"apikey"].decode("latin-1"))
    arguments["ctx"] = ctx
    return arguments
