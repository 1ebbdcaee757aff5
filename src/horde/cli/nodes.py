"""`horde serve --workers N`: several server nodes on one address and one database, each a process of its own.

    horde serve --workers 3 ─┬─ PostgreSQL               its own; none when DATABASE_URL names one
                             ├─ horde serve --node 1     the API
                             ├─ horde serve --node 2     the API
                             └─ horde serve --node 3     the API

This process only watches. What the nodes log goes where `horde serve` logs: on stderr.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from horde.cli import members
from horde.cli.database import reach_database
from horde.cli.output import CommandFailed, say
from horde.cli.readiness import is_answering, url_of
from horde.cli.schema import bring_up_to_date
from horde.cli.stopping import Stopping
from horde.cli.supervisor import Member, Supervisor, where_more
from horde.server.db.embedded import EmbeddedPostgres
from horde.server.logs import set_up_logs
from horde.server.settings import Settings

NODES_MAX = 64
"""More would not fit into one machine's PostgreSQL, nor help it."""
READY_S_MAX = 60.0
"""A node is ready about a second after its start, on a machine with a core for each."""
RESTART_S_FIRST = 0.1
"""A node that worked well and died is needed: the others carry its load meanwhile."""
WATCH_S = 0.1
CONNECTIONS_BESIDE_POOL = 3
"""A node also holds one for hints, one for the leadership, and one for a moment while it starts."""
CONNECTIONS_OF_OTHERS = 20
"""`horde admin`, backups, and what PostgreSQL keeps for its superuser."""
CONNECTIONS_MIN = 100
"""What PostgreSQL allows unless told otherwise."""


def run_nodes(settings: Settings, count: int, stopping: Stopping) -> None:
    """Start the nodes and watch over them. Ends by raising: Stopped when that is wished, CommandFailed otherwise."""
    set_up_logs(settings.log_level)
    supervisor = Supervisor()
    try:
        settings = _with_database(settings, count, supervisor, stopping)
        # Here, once: nodes that find work to do in the schema would queue for it, and each fail where one would.
        bring_up_to_date(settings.database_url)
        nodes = [members.node(settings, number) for number in range(1, count + 1)]
        supervisor.start_peers(nodes, time.monotonic(), delay_s_first=RESTART_S_FIRST)
        _wait_until_answering(settings, nodes, stopping)
        say(f"{count} server nodes share {url_of(settings.host, settings.port)}; Ctrl-C stops them")
        while True:
            stopping.pause(WATCH_S)
            supervisor.watch_once(time.monotonic())
    finally:
        supervisor.stop(lambda: stopping.is_hurried)


def _with_database(settings: Settings, count: int, supervisor: Supervisor, stopping: Stopping) -> Settings:
    if settings.database_url:
        reach_database(settings.database_url)
        return settings
    connections = count * (settings.database_connections + CONNECTIONS_BESIDE_POOL) + CONNECTIONS_OF_OTHERS
    options = {"max_connections": str(max(CONNECTIONS_MIN, connections))}
    postgres = EmbeddedPostgres(settings.data_dir, options=options, pause=stopping.pause)
    database = members.Database(postgres, settings.data_dir / "logs" / "postgres.log")
    supervisor.start(database, time.monotonic())
    return msgspec.structs.replace(settings, database_url=database.url)


def _wait_until_answering(settings: Settings, nodes: Sequence[Member], stopping: Stopping) -> None:
    """Until the first node answers; what keeps one from starting then keeps all, so it is not tried again."""
    deadline = time.monotonic() + READY_S_MAX
    while not is_answering(settings.host, settings.port):
        for node in nodes:
            if (status := node.status()) is not None:
                raise CommandFailed(
                    f"the {node.name} ended while it started (status {status})", hint=where_more(node.log)
                )
        if time.monotonic() > deadline:
            raise CommandFailed(f"no server node answers after {READY_S_MAX:.0f} s", hint=where_more(None))
        stopping.pause(WATCH_S)
