"""How v1 is spoken: arguments come as JSON, as a form or in the query string, and refusals are bare JSON strings.

Source: contract/api-v1.md, section 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from litestar import MediaType, Response
from litestar.exceptions import HTTPException
from litestar.openapi.spec import OpenAPIType, Operation, Schema
from litestar.types import ExceptionHandlersMap

from horde.errors import (
    AnonForbiddenWorker,
    HordeError,
    MaintenanceMode,
    NotAdmin,
    NotModerator,
    NotOwner,
    TooManyPrompts,
    WrongCredentials,
)
from horde.server.api import body
from horde.server.api.connection import AnyRequest
from horde.server.api.documentation import json_body
from horde.server.api.errors import BadPayload

T = TypeVar("T")

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
STATUSES: dict[type[HordeError], int] = {
    AnonForbiddenWorker: 401,
    MaintenanceMode: 503,
    TooManyPrompts: 503,
    NotAdmin: 401,
    NotModerator: 401,
    NotOwner: 401,
    WrongCredentials: 401,
}
"""Where v1 answers with another status: it has no 429 of its own, and 401 for who may not."""

TEXT, NUMBER = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)
TRUTH, TEXTS = Schema(type=OpenAPIType.BOOLEAN), Schema(type=OpenAPIType.ARRAY, items=TEXT)


async def arguments(request: AnyRequest, kind: type[T], *, required: Sequence[str], casts: bool = False) -> T:
    """The arguments of a call, where it `casts` also numbers as text. Raises BadPayload for what does not fit."""
    content_type, _ = request.content_type
    values: dict[str, object] = dict(request.query_params.items())
    if content_type in FORM_TYPES:
        values.update((await request.form()).items())
    elif content := await request.body():
        values.update(body.decode(content, dict[str, object]))
    for name in required:
        if name not in values:
            place = "in the JSON body or the post body or the query string"
            raise BadPayload({name: f"{name}. Missing required parameter {place}"})
    try:
        return msgspec.convert(values, kind, strict=not casts)
    except msgspec.ValidationError as error:
        raise BadPayload.of(error) from error


def taking(
    properties: dict[str, Schema], *, example: Mapping[str, object], required: Sequence[str] | None = None
) -> type[Operation]:
    """The class of an operation that is described with such a body, as by `json_body`."""

    @dataclass
    class Described(Operation):
        def __post_init__(self) -> None:
            self.request_body = json_body(properties, example=example, required=required)

    return Described


def on_horde_error(_request: AnyRequest, error: HordeError) -> Response[bytes]:
    """A refusal, in the words of v1."""
    return bare(error.sentence, STATUSES.get(type(error), error.status))


def on_http_error(_request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses, in the words of v1."""
    return bare(error.detail, error.status_code)


def bare(text: str, status_code: int) -> Response[bytes]:
    """A refusal as v1 has it."""
    # The framework takes a str for text that is ready; v1 wants it as a JSON string, with its quotes.
    return Response(msgspec.json.encode(text), status_code=status_code, media_type=MediaType.JSON)


BARE_TEXTS: ExceptionHandlersMap = {HordeError: on_horde_error, HTTPException: on_http_error}
"""For the routers of v1."""
