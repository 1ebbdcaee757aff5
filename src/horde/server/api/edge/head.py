"""HEAD works wherever GET does (contract/api-v2.md, section 1.1); the server leaves the body out."""

from __future__ import annotations

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Lets the handler of GET answer HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, a HEAD as a GET."""
        if scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD":
            # A copy: the HTTP server reads the method of its own scope to know that no body may follow.
            scope = {**scope, "method": HttpMethod.GET}
        await self._app(scope, receive, send)
