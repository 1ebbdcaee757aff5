"""`X-Fields`: who wants a part of an answer names the part. Source: contract/api-v2.md, section 1.1.

    id,kudos              two keys of the answer, or of each item of a list
    workers{id,name}      of the key `workers` these keys of each of its items
    *                     everything

A name that is not there is left out. A refusal is never masked.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from horde.server.api.edge.whole_answer import WholeAnswer, send_json, whole_answer

LENGTH_MAX = 4096
"""Characters; the longest answer's names take some hundreds."""
DEPTH_MAX = 8
"""Braces within braces; no answer goes deeper than four."""
TOKEN = re.compile(r"\s*(?:([\w*-]+)|([{},]))")
"""Names hold hyphens too: `post-processing`."""
DIALECT = "/api/v2/"

Mask = Mapping[str, "Mask | None"]
"""The wanted keys, each with the mask of what is below it; None: all of it."""


class BadMask(Exception):
    """This is no mask; the reason is its text."""


def parse(text: str) -> Mask:
    """Read a mask; braces around the whole are optional, as in the library that the public horde is built with.

    Raises BadMask.
    """
    if len(text) > LENGTH_MAX:
        raise BadMask(f"{len(text)} characters; at most {LENGTH_MAX} are read")
    tokens = _tokens(text)
    is_in_braces = tokens[:1] == ["{"] and tokens[-1:] == ["}"]
    coming = deque(tokens[1:-1] if is_in_braces else tokens)
    mask = _fields(coming, depth=1)
    if coming:
        raise BadMask(f"unexpected {coming[0]!r}")
    return mask


def _tokens(text: str) -> list[str]:
    tokens, at, text = [], 0, text.rstrip()
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise BadMask(f"unexpected {text[at:].lstrip()[0]!r}")
        tokens.append(found[1] or found[2])
        at = found.end()
    return tokens


def _fields(coming: deque[str], *, depth: int) -> dict[str, Mask | None]:
    """Takes names with commas between them off what is coming."""
    if depth > DEPTH_MAX:
        raise BadMask(f"more than {DEPTH_MAX} braces within each other")
    fields: dict[str, Mask | None] = {}
    while True:
        if not coming or coming[0] in "{},":
            raise BadMask(f"a name is missing before {coming[0]!r}" if coming else "a name is missing at the end")
        name = coming.popleft()
        fields[name] = None
        if coming and coming[0] == "{":
            coming.popleft()
            fields[name] = _fields(coming, depth=depth + 1)
            if not coming or coming.popleft() != "}":
                raise BadMask(f"a brace of {name!r} is not closed")
        if not coming or coming[0] != ",":
            return fields
        coming.popleft()


def applied(mask: Mask, value: object) -> object:
    """The part of a JSON value that a mask names; a list's items are masked each."""
    if isinstance(value, list):
        return [applied(mask, item) for item in value]
    if not isinstance(value, dict):
        return value
    wanted = {**dict.fromkeys(value), **mask} if "*" in mask else mask
    return {
        name: value[name] if below is None else applied(below, value[name])
        for name, below in wanted.items()
        if name in value
    }


class Masked:
    """Lets through of a success of API v2 what the call's `X-Fields` names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        text = _asked(scope)
        if text is None:
            await self._app(scope, receive, send)
            return
        try:
            mask = parse(text)
        except BadMask as error:
            # Before the call takes effect, which its answer could not tell.
            await send_json(send, 400, {"message": f"Mask parse error: {error}"})
            return
        answer = await whole_answer(self._app, scope, receive)
        if answer is not None:
            await _masked(answer, mask).send(send)


def _asked(scope: Scope) -> str | None:
    if scope["type"] != ScopeType.HTTP or not scope["path"].startswith(DIALECT):
        return None
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-fields" and value), None)


def _masked(answer: WholeAnswer, mask: Mask) -> WholeAnswer:
    if answer.status >= 300 or not answer.is_json:
        return answer
    return answer.with_body(msgspec.json.encode(applied(mask, msgspec.json.decode(answer.body))))
