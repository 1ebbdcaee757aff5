"""The public lists may be kept by who asked for them, and are sent again only when they changed (RFC 9110, RFC 9111).

How long: as old as the public AI Horde's own copies of them are (contract/api-v2.md, section 1.6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from horde.server.api.edge.whole_answer import Headers, WholeAnswer, whole_answer, without

MAX_AGE_S: Final[Mapping[str, int]] = {
    "/api/v1/users": 10,
    "/api/v2/users": 10,
    "/api/v2/workers": 30,
    "/api/v2/teams": 10,
    "/api/v2/collections": 30,
    "/api/v2/styles/image": 30,
    "/api/v2/styles/text": 1,
    "/api/v2/status/models": 2,
    "/api/v2/status/news": 300,
    "/api/v2/status/performance": 2,
    "/api/v2/stats/img/totals": 50,
    "/api/v2/stats/img/models": 50,
    "/api/v2/stats/text/totals": 50,
    "/api/v2/stats/text/models": 50,
    "/api/v2/documents/terms": 300,
    "/api/v2/documents/privacy": 300,
    "/api/v2/documents/sponsors": 300,
    "/api/openapi.json": 300,
    "/api/swagger.json": 300,
}
"""In seconds, by address; it may be one that this server does not have yet."""
TAG_BYTES = 12
BY_WHAT = b"apikey, X-Fields"
"""Request headers on which an answer depends."""


class PublicLists:
    """Tells how long a list may be kept, and answers 304 to who has it as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET" or scope["path"] not in MAX_AGE_S:
            await self._app(scope, receive, send)
            return
        answer = await whole_answer(self._app, scope, receive)
        if answer is not None:
            await _for_keeping(answer, scope).send(send)


def _for_keeping(answer: WholeAnswer, scope: HTTPScope) -> WholeAnswer:
    if answer.status != 200:
        return answer
    # A weak tag: a proxy that packs the body may leave it as it is. What tells more to a key is for its holder alone.
    tag = b'W/"%s"' % hashlib.blake2b(answer.body, digest_size=TAG_BYTES).hexdigest().encode()
    is_keyed = any(name == b"apikey" for name, _ in scope["headers"])
    kept = b"private, no-cache" if is_keyed else b"public, max-age=%d" % MAX_AGE_S[scope["path"]]
    described: Headers = [(b"etag", tag), (b"cache-control", kept), (b"vary", BY_WHAT)]
    if _has(scope, tag):
        bare = without(without(answer.headers, b"content-length"), b"content-type")
        return WholeAnswer(304, [*bare, *described], b"")
    return answer.with_headers(described)


def _has(scope: HTTPScope, tag: bytes) -> bool:
    """Whether the caller holds what is tagged so."""
    wanted = b",".join(value for name, value in scope["headers"] if name == b"if-none-match")
    return wanted.strip() == b"*" or tag.removeprefix(b"W/") in (
        held.strip().removeprefix(b"W/") for held in wanted.split(b",")
    )
