"""Keeps callers from calling too often. Source: contract/api-v2.md, section 1.5; api-v1.md, section 1.

Counting comes before all else that a call costs. Which limits there are stands in `limits_table.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv6Address

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from horde.server.accounts.keys import remembered_user
from horde.server.api.edge.counters import ANONYMOUS, Call, Counted, Counters
from horde.server.api.edge.endpoints import Endpoints
from horde.server.api.edge.limits_table import ASKING, Limits, limits_of
from horde.server.api.edge.whole_answer import send_json
from horde.server.context import Services

IPV6_SITE_BITS = 64
"""Whoever has one address of IPv6 has all that begin with the same bits."""


class RateLimits:
    """Refuses a call that is one too many, and tells every caller how he stands."""

    def __init__(
        self, app: ASGIApp, litestar: Litestar, *, factor: float, now: Callable[[], float] = time.time
    ) -> None:
        self._app = app
        self._litestar = litestar
        self._endpoints = Endpoints(litestar.routes)
        self._limits: dict[tuple[str, str], Limits] = {}
        self._counters = Counters(factor=factor, now=now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on, or refuse it."""
        if scope["type"] != ScopeType.HTTP or (endpoint := self._endpoints.of(scope["path"])) is None:
            await self._app(scope, receive, send)
            return
        call = _call(scope)
        counted = self._counters.count(endpoint, self._limits_of(call.method, endpoint), call)
        if counted is None:
            await self._app(scope, receive, send)
        elif counted.left < 0:
            message = {"message": counted.limit.text(counted.amount)}
            await send_json(send, 429, message, counted.headers(self._counters.now()))
        else:
            await self._app(
                scope, receive, self._told(counted, call, send, is_asking=endpoint in ASKING and not _is_proxied(scope))
            )

    def _limits_of(self, method: str, endpoint: str) -> Limits:
        # A preflight is the browser's own question, and costs nothing.
        found = self._limits.get((method, endpoint))
        if found is None:
            found = () if method == "OPTIONS" else limits_of(method, endpoint)
            self._limits[method, endpoint] = found
        return found

    def _told(self, counted: Counted, call: Call, send: Send, *, is_asking: bool) -> Send:
        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = message["headers"]
                told = counted.headers(self._counters.now())
                if any(name == b"retry-after" for name, _ in own):
                    told = told[:-1]  # the answer says itself when to come again, and comes last of ours
                message["headers"] = [*own, *told]
                if is_asking and message["status"] < 300:
                    self._perhaps_privilege(call)
            await send(message)

        return send_with_limits

    def _perhaps_privilege(self, call: Call) -> None:
        services = self._litestar.state.get("services")
        if isinstance(services, Services):
            user = remembered_user(services.memory, call.key.decode("latin-1"))
            if user and (user.is_trusted or user.is_service or user.is_education):
                self._counters.privilege(call.address)


def _is_proxied(scope: HTTPScope) -> bool:
    """Whether the address may be one of a service account's own callers, who is not known by its standing."""
    return any(name == b"proxy-authorization" for name, _ in scope["headers"])


def _call(scope: HTTPScope) -> Call:
    key = next((value for name, value in scope["headers"] if name == b"apikey"), ANONYMOUS)
    client = scope["client"]
    return Call(_site(client[0]) if client else "", scope["method"], scope["path"], key)


def _site(address: str) -> str:
    """Whom an address stands for."""
    return _site_of_ipv6(address) if ":" in address else address


@lru_cache(maxsize=1000)
def _site_of_ipv6(address: str) -> str:
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return parsed.packed[: IPV6_SITE_BITS // 8].hex()
