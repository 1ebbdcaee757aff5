"""How a JSON body becomes a struct: strictly, as the contract wants it ("1" is not 1), with its errors by path."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import ClassVar, Generic, TypeVar

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.dto import AbstractDTO, DTOFieldDefinition
from litestar.exceptions import ClientException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition

from horde.errors import NulByteInPayload
from horde.server.api.errors import BadPayload

T = TypeVar("T")

NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL in a JSON text: the escape, not an escaped backslash before `u0000`."""
BODY_BYTES_MAX = 30 * 1024 * 1024
"""The largest picture in base64, and its request around it."""
JSON_TYPES = ("application/json", "text/json")


def decode(content: bytes, kind: type[T]) -> T:
    """Read a body.

    Raises BadPayload for what does not fit the struct, NulByteInPayload, ClientException (400) for what is no JSON.
    """
    # The plain search comes first: on a picture the expression costs more than all else that is done with it.
    if b"\\u0000" in content and NUL.search(content):
        raise NulByteInPayload
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise BadPayload.of(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ClientException(f"The body is not valid JSON: {error}") from error


class StrictJson(AbstractDTO[T], Generic[T]):
    """Litestar's seam for decoding, with `decode` behind it. The framework's own way takes "1" for 1."""

    _structs: ClassVar[dict[str, type]] = {}

    def decode_bytes(self, value: bytes) -> T:
        """The struct of the handler that this connection goes to."""
        content_type, _ = self.asgi_connection.content_type  # type: ignore[attr-defined]  # only requests have bodies
        if content_type not in JSON_TYPES and not content_type.endswith("+json"):
            raise ClientException(f"The body must be application/json, not {content_type or 'without a type'}.")
        return decode(value, self._structs[self.asgi_connection.route_handler.handler_id])

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: type | None = None
    ) -> None:
        """Remember which struct that handler takes."""
        if field_definition.name == "data":
            cls._structs[handler_id] = field_definition.annotation

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: SchemaCreator
    ) -> Reference | Schema:
        """Describe the struct itself."""
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type) -> Generator[DTOFieldDefinition, None, None]:
        """Not used: nothing is renamed or left out."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Not used."""
        return False
