"""`horde serve`: one server node, the API alone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import uvicorn
from cyclopts import Parameter

from horde.cli.database import database_for
from horde.cli.listening import check_can_listen
from horde.cli.schema import bring_up_to_date
from horde.cli.server_settings import read_settings
from horde.cli.stopping import Stopped, Stopping
from horde.server.app import create_app, end_waits
from horde.server.logs import set_up_logs
from horde.server.settings import Settings

GRACE_S = 5
"""How long a request may go on after the wish to stop; who waits for a job is answered at once by the app."""


def serve(
    *,
    data: Annotated[Path | None, Parameter(help="where pictures and our own database are kept")] = None,
    host: Annotated[str | None, Parameter(help="address to listen on; 0.0.0.0 for the whole network")] = None,
    port: Annotated[int | None, Parameter(help="port to listen on (7001)")] = None,
) -> int:
    """Run one server node until it is told to stop.

    Several nodes share the database that DATABASE_URL names. Without it, a database of our own runs in the
    data directory for as long as the server.
    """
    settings = read_settings(data_dir=data, host=host, port=port)
    check_can_listen(settings.host, settings.port)
    stopping = Stopping()
    with stopping.listening():
        try:
            with database_for(settings, stopping.pause) as url:
                _serve(msgspec.structs.replace(settings, database_url=url), stopping)
        except Stopped:
            pass  # while the database was starting
    return 0


def _serve(settings: Settings, stopping: Stopping) -> None:
    set_up_logs(settings.log_level)
    bring_up_to_date(settings.database_url)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level.lower(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    _Server(config, stopping, answer_waiting=lambda: end_waits(app)).run()


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
