"""What every answer carries and every address does, whoever gives the answer (contract/api-v2.md, section 1.1)."""

from __future__ import annotations

import socket

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPResponseStartEvent, HTTPScope, Message, Receive, Scope, Send

from horde import __version__
from horde.server.api.errors import NOT_FOUND_PAGE

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")
JSON_IN_UTF_8 = (b"content-type", b"application/json; charset=utf-8")
"""How the contract has every answer in JSON described."""
METHODS = "POST, GET, OPTIONS, PUT, DELETE, PATCH"
SENT_HEADERS = (
    "Accept, Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, apikey, Client-Agent, X-Fields,"
    " X-Forwarded-For, Proxied-For, Proxy-Authorization, Prefer, Idempotency-Key, If-None-Match"
)
SEEN_HEADERS = (
    "Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, ETag, Preference-Applied, Horde-Node"
)
PREFLIGHT_S = 24 * 60 * 60
"""How long a browser may remember what it may send; it asks again sooner by itself."""
PREFLIGHT: Headers = [
    (b"access-control-allow-methods", METHODS.encode()),
    (b"access-control-allow-headers", SENT_HEADERS.encode()),
    (b"access-control-max-age", b"%d" % PREFLIGHT_S),
]
"""What only a browser's question before a call needs, and so only the answer to OPTIONS carries."""
WITH_SLASH = frozenset({"/", "/api/"})
"""Addresses that end in a slash; any other is not there, as the contract wants it."""


class EveryAnswer:
    """Puts the common headers on whatever is answered, and answers OPTIONS as the contract says."""

    def __init__(self, app: ASGIApp, *, port: int) -> None:
        self._app = app
        node = f"{socket.gethostname()}:{port}:{__version__}"
        self._headers: Headers = [
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", SEEN_HEADERS.encode()),
            (b"horde-node", node.encode("ascii", "replace")),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        is_preflight = scope["method"] == "OPTIONS"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                described = [JSON_IN_UTF_8 if header == JSON else header for header in message["headers"]]
                message["headers"] = described + self._headers
                if is_preflight:
                    _describe(message)
            await send(message)

        if _is_nowhere(scope):
            await _answer_nowhere(send_with_headers)
        else:
            await self._app(scope, receive, send_with_headers)


def _describe(answer: HTTPResponseStartEvent) -> None:
    if answer["status"] == 204:
        # The framework answers OPTIONS of every route that there is, in this way.
        answer["status"] = 200
        answer["headers"] = [*answer["headers"], (b"content-length", b"0")]
    answer["headers"] = [*answer["headers"], *PREFLIGHT]


def _is_nowhere(scope: HTTPScope) -> bool:
    """Whether the address ends in a slash; the framework does not tell it from the one without."""
    path = scope["path"]
    return path.endswith("/") and path not in WITH_SLASH


async def _answer_nowhere(send: Send) -> None:
    body = NOT_FOUND_PAGE.encode()
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
