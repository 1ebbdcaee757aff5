"""What a handler needs to know of its connection: the context, our own address, whether the caller is still there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from horde.server.accounts.users import User
from horde.server.context import Context, Services
from horde.server.idempotency.keys import Key

AnyRequest = Request[object, object, State]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        required=False,
        description="Any text of your own for this call: repeat the call with it, and it takes effect only once.",
    ),
]
Ctx = NamedDependency[Context]
"""How a handler asks for the context of its call."""


def services_of(request: AnyRequest) -> Services:
    """The services that the app opened at its start."""
    services = request.app.state["services"]
    assert isinstance(services, Services)
    return services


async def provide_context(request: AnyRequest) -> Context:
    """A context of this moment, made once a request."""
    return Context.at_present(services_of(request))


def base_url(request: AnyRequest) -> str:
    """Our address as the caller reaches us, without a trailing slash."""
    return services_of(request).settings.public_url.rstrip("/") or _address_called(request)


def _address_called(request: AnyRequest) -> str:
    scope = request.scope
    host = next((value for name, value in scope["headers"] if name == b"host" and value), None)
    if host is None:
        return str(request.base_url).rstrip("/")
    # What the framework makes of it too, by way of an object for each part: a hundredth of a cycle's processor time.
    return f"{scope['scheme']}://{host.decode('latin-1')}{scope.get('root_path', '')}".rstrip("/")


def address_of(request: AnyRequest) -> str:
    """Where the call comes from, as far as is known: past a reverse proxy only where the settings trust it."""
    return request.client.host if request.client else ""


async def idempotency_key(request: AnyRequest, user: User, text: str | None) -> Key | None:
    """The key of this call, when its caller named one. Raises BadInput for one that cannot be used."""
    if text is None:
        return None
    route = f"{request.method} {request.url.path}"
    return Key.of(user, text, route=route, body=await request.body(), address=address_of(request))


@asynccontextmanager
async def watch(request: AnyRequest) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the caller hangs up. The body must have been read before."""
    gone = asyncio.Event()

    async def listen() -> None:
        while True:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                gone.set()
                return

    listening = asyncio.create_task(listen(), name="watch connection")
    try:
        yield gone
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
