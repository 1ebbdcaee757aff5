"""`horde up`: a private horde in one command, each part a process of its own.

    horde up ─┬─ PostgreSQL     its own, in the data directory; none when DATABASE_URL names one
              ├─ horde serve    the API
              └─ horde worker   with the tiny model of ours; none with --no-worker

The terminal is for the person: it shows what to do next. What the parts print goes to <data>/logs.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from horde.cli import members
from horde.cli.database import reach_database
from horde.cli.listening import check_can_listen
from horde.cli.output import CommandFailed, answer, say
from horde.cli.readiness import is_answering, is_listed, url_of
from horde.cli.server_settings import read_settings
from horde.cli.stopping import Stopped, Stopping
from horde.cli.supervisor import Member, Supervisor, quoted
from horde.server.accounts.keys import ANONYMOUS_KEY
from horde.server.db.datadir import EmbeddedError, HeldDataDir, hold_data_dir
from horde.server.db.embedded import EmbeddedPostgres
from horde.server.settings import Settings, is_set

READY_S_MAX = 60.0
"""A server or worker that is not ready by then will not be; on a laptop each takes about a second."""
POLL_S = 0.05
WATCH_S = 0.5
WORKER_NAME = "Local worker"

SUMMARY = """\
Stable Horde is up.

  API      {url}
  key      {key} (anonymous)
  worker   {worker}
  data     {data}
  logs     {logs}

Ask it for a picture:

{curl}

Ctrl-C stops it; the data stays for the next time."""

CURL = (
    """curl -H "Content-Type: application/json" -d '{{"prompt":"A horde of stable robots", """
    """"params":{{"n":1, "width": 256, "height": 256}}, "api_key":"{key}"}}' {url}/api/v1/generate/sync"""
)


def up(
    *,
    data: Annotated[Path | None, Parameter(help="where database, pictures and logs are kept")] = None,
    host: Annotated[str | None, Parameter(help="address to listen on; 0.0.0.0 for the whole network")] = None,
    port: Annotated[int | None, Parameter(help="port to listen on (7001)")] = None,
    worker: Annotated[bool, Parameter(help="run a worker with the model tiny-horde beside the server")] = True,
) -> int:
    """Start a private horde: a database, the API and one local worker. Ctrl-C stops everything."""
    # Among friends nobody has to earn the right to ask for a big picture or to ask often, unless the operator says so.
    among_friends = {name: None if is_set(name) else "off" for name in ("upfront_kudos", "rate_limits")}
    settings = read_settings(data_dir=data, host=host, port=port, **among_friends)
    check_can_listen(settings.host, settings.port)
    stopping = Stopping()
    with stopping.listening():
        try:
            _run(settings, stopping, worker_name=_worker_name(settings) if worker else "")
        except Stopped:
            say("stopped")
    return 0


def _run(settings: Settings, stopping: Stopping, *, worker_name: str) -> None:
    """Start all, show how to use it and watch over it until somebody wishes that we stop."""
    supervisor = Supervisor()
    held: HeldDataDir | None = None
    try:
        if settings.database_url:
            held = _hold(settings.data_dir)
            reach_database(settings.database_url)
        else:
            settings = _with_database(settings, supervisor, stopping)
        _start_server(settings, supervisor, stopping)
        if worker_name and not settings.anonymous_workers:
            say("no local worker: HORDE_ANONYMOUS_WORKERS keeps the anonymous key from serving")
            worker_name = ""
        if worker_name:
            _start_worker(worker_name, settings, supervisor, stopping)
        answer(_summary(settings, worker_name))
        while True:
            stopping.pause(WATCH_S)
            supervisor.watch_once(time.monotonic())
    finally:
        if stopping.is_asked:
            say("stopping; Ctrl-C again hurries")
        supervisor.stop(lambda: stopping.is_hurried)
        if held:
            held.release()


def _with_database(settings: Settings, supervisor: Supervisor, stopping: Stopping) -> Settings:
    say(f"starting the database in {settings.data_dir}")
    postgres = EmbeddedPostgres(settings.data_dir, pause=stopping.pause)
    database = members.Database(postgres, _logs(settings) / "postgres.log")
    supervisor.start(database, time.monotonic())
    return msgspec.structs.replace(settings, database_url=database.url)


def _start_server(settings: Settings, supervisor: Supervisor, stopping: Stopping) -> None:
    host, port = settings.host, settings.port
    say(f"starting the server on {host}, port {port}")
    _start(members.server(settings, _logs(settings)), supervisor, stopping, lambda: is_answering(host, port))


def _start_worker(name: str, settings: Settings, supervisor: Supervisor, stopping: Stopping) -> None:
    host, port = settings.host, settings.port
    say("starting the worker")
    worker = members.local_worker(name, url_of(host, port), _logs(settings))
    _start(worker, supervisor, stopping, lambda: is_listed(host, port, name))


def _start(member: Member, supervisor: Supervisor, stopping: Stopping, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_S_MAX
    supervisor.start(member, time.monotonic())
    while not is_ready():
        if (status := member.status()) is not None:
            raise CommandFailed(
                f"the {member.name} ended while it started (status {status}){quoted(member.log)}",
                hint=f"{member.log} says more",
            )
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"the {member.name} is not ready after {READY_S_MAX:.0f} s{quoted(member.log)}",
                hint=f"{member.log} says more",
            )
        stopping.pause(POLL_S)


def _hold(data_dir: Path) -> HeldDataDir:
    """Take the data directory where no database of ours takes it for us."""
    try:
        return hold_data_dir(data_dir)
    except EmbeddedError as error:
        raise CommandFailed(error.message, hint=error.hint) from error


def _worker_name(settings: Settings) -> str:
    """A name that stays, so that the worker keeps its record; told apart where hordes share a database."""
    if not settings.database_url:
        return WORKER_NAME
    place = f"{socket.gethostname()} {settings.data_dir}"
    return f"{WORKER_NAME} {hashlib.sha256(place.encode()).hexdigest()[:8]}"


def _logs(settings: Settings) -> Path:
    return settings.data_dir / "logs"


def _summary(settings: Settings, worker_name: str) -> str:
    url = url_of(settings.host, settings.port)
    return SUMMARY.format(
        url=url,
        key=ANONYMOUS_KEY,
        worker=f"{worker_name} (model tiny-horde)"
        if worker_name
        else f"none; start one with: horde worker --horde {url}",
        data=settings.data_dir,
        logs=_logs(settings),
        curl=CURL.format(url=url, key=ANONYMOUS_KEY),
    )
