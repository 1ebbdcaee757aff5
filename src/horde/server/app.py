"""The only wiring: builds the services, registers every dialect, starts and stops them together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp

from horde.server.api import documentation, errors
from horde.server.api.body import BODY_BYTES_MAX
from horde.server.api.connection import provide_context
from horde.server.api.edge.every_answer import EveryAnswer
from horde.server.api.edge.head import HeadAsGet
from horde.server.api.edge.limits import RateLimits
from horde.server.api.edge.masks import Masked
from horde.server.api.edge.proxied import Proxied
from horde.server.api.edge.public_lists import PublicLists
from horde.server.api.edge.shortcut import ShortCuts
from horde.server.api.native import files
from horde.server.api.native import kudos as native_kudos
from horde.server.api.native import progress as native_progress
from horde.server.api.native import webhooks as native_webhooks
from horde.server.api.native import workers as native_workers
from horde.server.api.site import documents as pages
from horde.server.api.site import front, register, serviceinfo, transfer
from horde.server.api.v1 import routes as v1_routes
from horde.server.api.v2 import routes as v2_routes
from horde.server.context import Services
from horde.server.db.migrate import migrate
from horde.server.db.notify import Work, open_hints
from horde.server.db.pool import open_database
from horde.server.duties.runner import run_for_ever
from horde.server.duties.table import duties
from horde.server.matching.lanes import Lanes
from horde.server.requests.wait import Waiting
from horde.server.settings import Settings
from horde.server.storage.links import shared_signer
from horde.server.storage.objects import Objects
from horde.server.webhooks.send import sending

log = structlog.get_logger(__name__)


def create_app(settings: Settings) -> Litestar:
    """The ASGI application. Opens nothing before its lifespan starts; `settings.database_url` must be set."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if settings.rate_limits == "off":
            log.warning("rate limits are off: everybody may call as often as he likes")
        async with open_services(settings) as services, sending(services):
            app.state["services"] = services
            background = asyncio.create_task(run_for_ever(services, duties(settings)), name="duties")
            try:
                yield
            finally:
                background.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await background

    app = Litestar(
        route_handlers=[
            front.front,
            front.to_documentation,
            register.show_form,
            register.register_account,
            transfer.show_transfer,
            transfer.transfer_by_form,
            serviceinfo.read_serviceinfo,
            pages.show_terms,
            pages.show_privacy,
            pages.show_sponsors,
            files.router,
            native_workers.router,
            native_kudos.router,
            native_progress.router,
            native_webhooks.router,
            documentation.assets(),
            Router("/api/v1", route_handlers=v1_routes.ALL),
            Router("/api/v2", route_handlers=v2_routes.ALL),
        ],
        lifespan=[lifespan],
        state=State({}),
        dependencies={"ctx": Provide(provide_context)},
        exception_handlers=errors.handlers(),
        openapi_config=documentation.configuration(),
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
    )
    # Outside the router: middleware in Litestar's own sense runs only after a route for the method was found.
    app.asgi_handler = _edge(app, settings)
    return app


def _edge(app: Litestar, settings: Settings) -> ASGIApp:
    """What a call goes through before it comes to its handler, from the inside out."""
    edge: ASGIApp = ShortCuts(PublicLists(Masked(app.asgi_handler)), app)
    if settings.rate_limits == "on":
        edge = RateLimits(edge, app, factor=settings.rate_limit_factor)
    return EveryAnswer(HeadAsGet(Proxied(edge, app)), port=settings.port)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Bring the schema up to date and hold everything open that verbs need, for as long as the block lasts."""
    await migrate(settings.database_url)
    async with (
        open_database(settings.database_url, connections=settings.database_connections) as database,
        open_hints(settings.database_url) as hints,
    ):
        services = Services(
            settings=settings,
            database=database,
            hints=hints,
            objects=Objects.in_folder(settings.objects_dir),
            signer=await shared_signer(database),
        )
        _hear(services)
        yield services


def _hear(services: Services) -> None:
    """Let what this process remembers be corrected by what is told, here and on other nodes."""
    lanes, waiting = services.memory.of(Lanes), services.memory.of(Waiting)

    def on_work(work: list[Work]) -> None:
        lanes.hear(work)
        waiting.hear(lanes, work)

    services.hints.listen_for_work(on_work, on_gap=lanes.doubt)


def end_waits(app: Litestar) -> None:
    """Answer all who wait, now: called when the server is told to stop, so that it need not wait for them."""
    services = app.state.get("services")
    if isinstance(services, Services):
        services.hints.close()
