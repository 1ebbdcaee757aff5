"""The OpenAPI document and its page at /api, which loads nothing from elsewhere: its scripts are in offapi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.util import find_spec

from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, SwaggerRenderPlugin
from litestar.openapi.spec import Contact, License, OpenAPI, OpenAPIMediaType, OpenAPIType, RequestBody, Schema
from litestar.router import Router
from litestar.static_files import create_static_files_router

from horde import __version__
from horde.server.api.document import Document

ASSETS = "/api/assets"


def configuration() -> OpenAPIConfig:
    """The document at /api/openapi.json and /api/swagger.json, the page at /api."""
    swagger = SwaggerRenderPlugin(
        js_url=f"{ASSETS}/swagger_bundle.js",
        css_url=f"{ASSETS}/swagger_style.css",
        standalone_preset_js_url=f"{ASSETS}/swagger_preset.js",
        path="/",
        favicon="<link rel='icon' href='data:,'>",
    )
    return _Configuration(
        title="Stable Horde",
        version=__version__,
        description="Ask for pictures, texts and alchemy, or make them for others. The anonymous key is 0000000000.",
        contact=Contact(name="Stable Horde"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/api",
        use_handler_docstrings=True,
        render_plugins=[swagger, JsonRenderPlugin(path=["/openapi.json", "/swagger.json"])],
    )


class _Configuration(OpenAPIConfig):
    """Makes a document of our own kind, which the framework fills in when somebody looks at it."""

    def to_openapi_schema(self) -> OpenAPI:
        made = super().to_openapi_schema()
        return Document(**{field.name: getattr(made, field.name) for field in fields(made)})


def json_body(
    properties: dict[str, Schema], *, example: Mapping[str, object], required: Sequence[str] | None = None
) -> RequestBody:
    """Describes the body of a handler that reads it by itself; all properties of the example are required if not said.

    The example works as sent.
    """
    needed = list(example) if required is None else list(required)
    schema = Schema(type=OpenAPIType.OBJECT, properties=dict(properties), required=needed, examples=[example])
    return RequestBody(content={"application/json": OpenAPIMediaType(schema=schema)}, required=True)


def assets() -> Router:
    """The scripts and styles of the page."""
    # The package is found and not imported: importing it would read all its files into memory.
    spec = find_spec("offapi")
    assert spec is not None, "offapi is a dependency of ours"
    assert spec.submodule_search_locations, "offapi is a package"
    return create_static_files_router(
        path=ASSETS, directories=list(spec.submodule_search_locations), include_in_schema=False, name="api-assets"
    )
