"""What kind of service this is, for programs that find it by its address. Source: contract/api-v2.md, section 11."""

from __future__ import annotations

from litestar import get

from horde import __version__
from horde.server.api.connection import AnyRequest, base_url
from horde.wire import native

SCHEMA_VERSION, API_VERSION = "0.2", "2.5"


@get("/.well-known/serviceinfo", tags=["Status"], summary="What is this?")
async def read_serviceinfo(request: AnyRequest) -> native.ServiceInfo:
    """Which program this is, and where its API and the documentation of it are."""
    url = base_url(request)
    return native.ServiceInfo(
        version=SCHEMA_VERSION,
        software=native.Software(name="Stable Horde", version=__version__, repository=url, homepage=url, logo=""),
        api={
            "aihorde": native.ApiInfo(
                name="AI Horde API", version=API_VERSION, base_url=url, rel_url="/api/v2", documentation=f"{url}/api"
            )
        },
    )
