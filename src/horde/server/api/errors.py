"""How a refusal looks on the wire. Source: contract/api-v2.md, section 1.2.

An application error is `{"message", "rc"}`, a payload that does not fit its schema is `{"errors", "message"}`
without `rc`: clients branch on which of the two keys is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast, get_args, get_type_hints

import msgspec
import structlog
from litestar import MediaType, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import HeaderParameter, QueryParameter
from litestar.types import ExceptionHandlersMap

from horde.errors import HordeError, Unavailable

log = structlog.get_logger(__name__)

VALIDATION_FAILED = "Input payload validation failed"
AT_PATH = re.compile(r"^(?P<reason>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
MISSING_ARGUMENT = ". Missing required parameter in the JSON body"
"""How the contract ends what it says of a call that lacks an argument; of what lies deeper it does not say it."""
MISSING_FIELD = re.compile(r"^Object missing required field `(?P<name>[^`]+)`$")
INDEX = re.compile(r"\[(\d+)\]")
ANY_VALUE = "[...]"
"""How msgspec tells of a value under any key: not under which."""
RETRY_AFTER_S = "2"
NOT_FOUND_PAGE = "<!doctype html><title>404 Not Found</title><h1>Not Found</h1><p>There is nothing at this address.</p>"

AnyRequest = Request[object, object, State]


class BadPayload(Exception):
    """A payload that does not fit its schema: reasons by dotted path."""

    def __init__(self, errors: dict[str, str]) -> None:
        self.errors = errors
        super().__init__(VALIDATION_FAILED)

    @classmethod
    def of(cls, error: msgspec.ValidationError, *, under: str = "") -> BadPayload:
        """Translate msgspec's "... - at `$.params.width`" to the contract's dotted path.

        `under` is the path of what was read, where that was only a part of the body.
        """
        found = AT_PATH.match(str(error))
        assert found is not None, "the expression matches every text"
        reason, path = found["reason"], INDEX.sub(r".\1", (found["path"] or "").replace(ANY_VALUE, ""))
        if missing := MISSING_FIELD.match(reason):
            is_argument = not path and not under
            path = f"{path}.{missing['name']}"
            reason = f"'{missing['name']}' is a required property{MISSING_ARGUMENT if is_argument else ''}"
        return cls({f"{under}{path}".removeprefix("."): reason})


def on_horde_error(_request: AnyRequest, error: HordeError) -> Response[dict[str, str]]:
    """Any refusal of the engine."""
    headers = {"Retry-After": RETRY_AFTER_S} if isinstance(error, Unavailable) else None
    return Response({"message": error.sentence, "rc": error.rc}, status_code=error.status, headers=headers)


def on_bad_payload(_request: AnyRequest, error: BadPayload) -> Response[dict[str, object]]:
    """A body that does not fit its schema."""
    return Response({"errors": error.errors, "message": VALIDATION_FAILED}, status_code=400)


def on_bad_argument(request: AnyRequest, error: ValidationException) -> Response[dict[str, object]]:
    """A header, a path or a query argument that does not fit, or a missing body."""
    found = error.extra if isinstance(error.extra, list) else []
    reasons = {
        _sent_name(request, str(item.get("key", ""))): str(item.get("message", ""))
        for item in found
        if isinstance(item, dict)
    }
    if not reasons and "apikey" in error.detail:
        reasons = {"apikey": "API Key. Missing required parameter in the HTTP headers"}
    if "data" in reasons:
        return Response({"message": "The request needs a JSON body."}, status_code=400)
    return Response({"errors": reasons or {"": error.detail}, "message": VALIDATION_FAILED}, status_code=400)


def _sent_name(request: AnyRequest, parameter: str) -> str:
    """How a parameter of a handler is called on the wire."""
    handler = request.scope.get("route_handler")
    hints = get_type_hints(handler.fn, include_extras=True) if isinstance(handler, HTTPRouteHandler) else {}
    marks = get_args(hints.get(parameter))[1:]
    names = [mark.name for mark in marks if isinstance(mark, (HeaderParameter, QueryParameter)) and mark.name]
    return names[0] if names else parameter


def on_http_error(request: AnyRequest, error: HTTPException) -> Response[object]:
    """What the framework refuses: unknown paths, wrong methods, bodies too large."""
    if error.status_code == 404:
        return Response(NOT_FOUND_PAGE, status_code=404, media_type=MediaType.HTML)
    return Response({"message": error.detail}, status_code=error.status_code, headers=error.headers)


def on_bug(request: AnyRequest, error: Exception) -> Response[dict[str, str]]:
    """Anything else is a bug of ours: logged with its trace, told without it."""
    log.error("bug", method=request.method, path=request.url.path, exc_info=error)
    message = "Something went wrong on our side; it was logged. Hint: try again, and tell us if it stays."
    return Response({"message": message, "rc": "InternalServerError"}, status_code=500)


def handlers() -> ExceptionHandlersMap:
    """Which of the above answers what; the nearest class of an exception wins."""
    return {
        HordeError: on_horde_error,
        BadPayload: on_bad_payload,
        ValidationException: on_bad_argument,
        HTTPException: on_http_error,
        Exception: on_bug,
    }


def answer(request: AnyRequest, error: Exception) -> Response[object]:
    """What a refusal, or a bug, is answered."""
    known = handlers()
    kind = next(kind for kind in type(error).__mro__ if kind in known)
    found = cast("Callable[[AnyRequest, Exception], Response[object]]", known[kind])
    return found(request, error)
