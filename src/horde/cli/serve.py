"""`horde serve`: one server node, the API alone, or several that share an address."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from horde.cli.database import database_for
from horde.cli.listening import check_can_listen, may_share_ports, shared_listeners
from horde.cli.nodes import NODES_MAX, run_nodes
from horde.cli.output import CommandFailed
from horde.cli.server_settings import read_settings
from horde.cli.stopping import Stopped, Stopping
from horde.server.settings import Settings


def serve(
    *,
    data: Annotated[Path | None, Parameter(help="where pictures and our own database are kept")] = None,
    host: Annotated[str | None, Parameter(help="address to listen on; 0.0.0.0 for the whole network")] = None,
    port: Annotated[int | None, Parameter(help="port to listen on (7001)")] = None,
    workers: Annotated[
        int, Parameter(help="server processes that share the port, at most 64", validator=Number(gte=1, lte=NODES_MAX))
    ] = 1,
    node: Annotated[int, Parameter(show=False)] = 0,
) -> int:
    """Run one server node, or several on one port, until told to stop.

    Several nodes share the database that DATABASE_URL names. Without it, a database of our own runs in the
    data directory for as long as the server.
    """
    # `node` is not for people: `--workers` gives each of its processes a number with it (horde.cli.nodes).
    settings = read_settings(data_dir=data, host=host, port=port)
    if workers > 1 and not may_share_ports():
        raise CommandFailed(
            f"--workers {workers} needs processes that share a port, which this system does not have",
            hint="leave --workers away, or run the server on Linux",
        )
    if not node:
        check_can_listen(settings.host, settings.port)
    stopping = Stopping()
    with stopping.listening():
        try:
            if workers > 1:
                run_nodes(settings, workers, stopping)
            else:
                _run_here(settings, stopping, node=node)
        except Stopped:
            pass  # while something was starting, or while we watched
    return 0


def _run_here(settings: Settings, stopping: Stopping, *, node: int) -> None:
    # Half a second of imports, which the process that only watches over others does not need.
    from horde.cli.serving import serve_alone, serve_as_node

    with database_for(settings, stopping.pause) as url:
        settings = msgspec.structs.replace(settings, database_url=url)
        if node:
            listeners = shared_listeners(settings.host, settings.port)
            serve_as_node(settings, stopping, number=node, listeners=listeners)
        else:
            serve_alone(settings, stopping)
