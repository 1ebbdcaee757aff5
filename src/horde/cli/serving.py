"""The API inside this process, until somebody wishes that it stops. Heavy to import: the whole server comes with it."""

from __future__ import annotations

import copy
import gc
import socket
from collections.abc import Callable, Sequence

import structlog
import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from horde.cli.gathering import gathering
from horde.cli.schema import bring_up_to_date
from horde.cli.stopping import Stopping
from horde.server.app import create_app, end_waits
from horde.server.logs import set_up_logs
from horde.server.settings import Settings

GRACE_S = 5
"""How long a request may go on after the wish to stop; who waits for a job is answered at once by the app."""

KEEP_ALIVE_S = 75
"""How long a connection that nothing comes through stays open: longer than clients wait between two looks, and than the
minute for which reverse proxies keep theirs, so that none is closed under a call that is just being sent through it."""

GARBAGE_MIN = 10_000
"""Objects made and not yet freed before the collector looks at the youngest. Python's 700 are there after a few calls,
most of which are only under way: looking at them took about a twentieth of the processor time of a cycle."""


def serve_alone(settings: Settings, stopping: Stopping) -> None:
    """Bring the schema up to date and serve at the host and port of the settings."""
    set_up_logs(settings.log_level)
    bring_up_to_date(settings.database_url)
    _serve(settings, stopping, log_config=LOGGING_CONFIG)


def serve_as_node(settings: Settings, stopping: Stopping, *, number: int, listeners: Sequence[socket.socket]) -> None:
    """Serve at these sockets, as one of several whose logs run together: every line says which.

    The schema is left as it is, being the business of whoever started them all.
    """
    set_up_logs(settings.log_level)
    structlog.contextvars.bind_contextvars(node=number)
    log_config = copy.deepcopy(LOGGING_CONFIG)
    log_config["formatters"]["default"]["fmt"] = f"%(levelprefix)s node {number}: %(message)s"
    _serve(settings, stopping, log_config=log_config, listeners=listeners)


def _serve(
    settings: Settings,
    stopping: Stopping,
    *,
    log_config: dict[str, object],
    listeners: Sequence[socket.socket] | None = None,
) -> None:
    app = create_app(settings)
    _collect_seldom()
    config = uvicorn.Config(
        app,
        http=gathering(AutoHTTPProtocol),
        host=settings.host,
        port=settings.port,
        log_config=log_config,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        # Who is believed without being trusted could call himself anybody.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    server = _Server(config, stopping, answer_waiting=lambda: end_waits(app))
    server.run(list(listeners) if listeners else None)


def _collect_seldom() -> None:
    # What was imported and built so far stays for good, so no collection need walk through it.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_MIN)


class _Server(uvicorn.Server):
    """Also ends at the wishes that uvicorn does not hear, and answers those who wait before it ends.

    Unheard: SIGHUP, and any wish that came before it listened.
    """

    def __init__(self, config: uvicorn.Config, stopping: Stopping, *, answer_waiting: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._answer_waiting = answer_waiting

    async def on_tick(self, counter: int) -> bool:
        return self._stopping.is_asked or await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._answer_waiting()
        await super().shutdown(sockets)
