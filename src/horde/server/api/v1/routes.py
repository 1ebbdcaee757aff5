"""All of API v1."""

from __future__ import annotations

from litestar import Router

from horde.server.api.v1 import generate, kudos, serve, servers, status, users

ALL: list[Router] = [
    generate.router,
    serve.router,
    servers.router,
    status.router,
    kudos.router,
    users.router,
]
