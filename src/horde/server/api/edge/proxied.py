"""Who calls through a service account's proxy: `Proxied-For` in the place of the proxy's own address.

Source: contract/api-v2.md, section 1.1. Only where something is asked for, and only with the passkey of a service
account in `Proxy-Authorization`; otherwise the address is that of the connection, whatever the headers say.
"""

from __future__ import annotations

from ipaddress import ip_address

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from horde.errors import HordeError
from horde.server.accounts.passkeys import is_passkey
from horde.server.api.edge.limits_table import ASKING
from horde.server.context import Context, Services


class Proxied:
    """Puts the address into a call that its proxy may name."""

    def __init__(self, app: ASGIApp, litestar: Litestar) -> None:
        self._app = app
        self._litestar = litestar

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "POST" and scope["path"] in ASKING:
            scope = await self._from_whom_it_is(scope)
        await self._app(scope, receive, send)

    async def _from_whom_it_is(self, scope: HTTPScope) -> HTTPScope:
        passkey = proxied_for = b""
        for name, value in scope["headers"]:
            if name == b"proxy-authorization":
                passkey = value
            elif name == b"proxied-for":
                proxied_for = value
        if not (passkey and proxied_for):
            return scope
        address = _address(proxied_for.decode("latin-1"))
        if not address or not await self._holds(passkey.decode("latin-1")):
            return scope
        return {**scope, "client": (address, 0)}

    async def _holds(self, passkey: str) -> bool:
        services = self._litestar.state.get("services")
        assert isinstance(services, Services), "calls come after the start"
        try:
            return await is_passkey(Context.at_present(services), passkey)
        except HordeError:
            # The call itself will be told that the database is away.
            return False


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""
