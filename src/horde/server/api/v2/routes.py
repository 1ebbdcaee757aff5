"""All of API v2."""

from __future__ import annotations

from litestar import Router
from litestar.handlers import HTTPRouteHandler

from horde.server.api.v2 import (
    collections,
    dev,
    documents,
    filters,
    generate,
    generate_text,
    interrogate,
    kudos,
    messages,
    modes,
    news,
    operations,
    ratings,
    sharedkeys,
    stats,
    status,
    styles,
    teams,
    users,
    workers,
)

ALL: list[Router | HTTPRouteHandler] = [
    dev.router,
    documents.router,
    generate.router,
    generate_text.router,
    interrogate.router,
    workers.router,
    status.router,
    modes.router,
    news.router,
    ratings.router,
    stats.router,
    users.find_user,
    users.router,
    kudos.router,
    teams.router,
    styles.router,
    collections.router,
    collections.read_collection_by_name,
    operations.router,
    filters.router,
    sharedkeys.router,
    messages.router,
]
