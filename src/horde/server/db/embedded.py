"""Runs a PostgreSQL of our own in a data directory, for a horde to which nobody gave a database.

Who may connect: on Unix the server listens on nothing but a socket inside a directory of mode 0700, so the
file system lets in the account that runs it (and root), and no password is asked for. Where that path is too
long for a socket (about 100 bytes), the socket lies in a fresh 0700 directory of the system's temporary
folder instead. On Windows it listens on 127.0.0.1, where any local user could knock, so there it asks for a
generated password.

PostgreSQL runs under a guard (`horde.guard`) and not as our bare child, so that it also ends when we are
killed. Whatever is left of a run that ended badly is dealt with at the next start: we hold the directory's
lock then, so a database that still runs there has lost its owner and is stopped, and a half-made directory is
made anew.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from horde import logfile
from horde.guard import Guarded
from horde.server.db.datadir import (
    NAME_ANOTHER,
    DataDirBroken,
    DataDirEmpty,
    DataDirInUse,
    DataDirUnusable,
    HeldDataDir,
    hold_data_dir,
)
from horde.server.db.initdb import advice, complaint, is_new, make_database
from horde.server.db.postmaster import Postmaster, read_postmaster
from horde.server.db.programs import Programs, find_programs, give_to_account

START_S_MAX = 120.0
"""A start takes 0.1 s; after a crash PostgreSQL first replays its journal, at most about 1 GB."""
ATTACH_S_MAX = 20.0
"""How long an admin command waits for a horde that is just starting."""
STOP_GRACE_S = 15.0
"""A fast shutdown ends all sessions and writes one checkpoint."""
POLL_S = 0.02
SOCKET_DIR_BYTES_MAX = 80
"""A Unix socket's name has at most 103 bytes on macOS and 107 on Linux; `/.s.PGSQL.5432` takes 14 of them."""
QUIET = {"log_checkpoints": "off"}
"""A checkpoint every five minutes is no news; the log is kept for what is."""
SOCKET_DIR_PREFIX = "horde-postgres-"
SOCKET_PORT = 5432


class Transport(Enum):
    """How the server is reached."""

    SOCKET = "socket"
    """A Unix socket that only our account can reach."""
    TCP = "tcp"
    """A port of 127.0.0.1 and a generated password: Windows."""


DEFAULT_TRANSPORT = Transport.TCP if sys.platform == "win32" else Transport.SOCKET


class EmbeddedPostgres:
    """The PostgreSQL of one data directory, which is ours alone from `start` to `stop`.

    `options` are settings of the server by name. `pause` waits some seconds, and may raise to break off a
    start, which then cleans up after itself.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        transport: Transport = DEFAULT_TRANSPORT,
        options: Mapping[str, str] | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._data_dir = data_dir
        self._transport = transport
        self._options = dict(options or {})
        self._pause = pause
        self._held: HeldDataDir | None = None
        self._server: Guarded | None = None
        self._socket_dir: Path | None = None
        self._port = SOCKET_PORT

    def start(self) -> str:
        """Start the server, making the database where there is none, and return the DSN once it answers.

        After a crash of the server alone (`status` is not None) it may be called again; the DSN stays the
        same. Raises EmbeddedError; nothing runs and nothing is held then.
        """
        try:
            if self._held is None:
                self._held = hold_data_dir(self._data_dir)
            programs = find_programs(self._held)
            log = _log(self._held)
            logfile.begin(log)
            if is_new(self._held):
                make_database(self._held, programs, log=log, pause=self._pause)
            else:
                _stop_orphan(self._held, programs)
            return self._launch(self._held, programs)
        except OSError as error:
            self.stop()
            raise DataDirUnusable(
                f"the data directory {self._data_dir} cannot be used: {error}", hint=NAME_ANOTHER
            ) from error
        except BaseException:
            self.stop()
            raise

    def status(self) -> int | None:
        """None while it runs or was never started, then its exit status."""
        return self._server.status() if self._server else None

    def stop(self) -> None:
        """End the server and let others use the directory; safe to call twice, or half-started."""
        if self._server:
            self._server.stop()
            self._server = None
        if self._socket_dir and self._socket_dir.name.startswith(SOCKET_DIR_PREFIX):
            shutil.rmtree(self._socket_dir, ignore_errors=True)
        self._socket_dir = None
        if self._held:
            self._held.release()
            self._held = None

    def _launch(self, held: HeldDataDir, programs: Programs) -> str:
        command = [programs.path("postgres"), "-D", str(held.postgres)]
        for name, value in {**QUIET, **self._listening(held, programs), **self._options}.items():
            command += ["-c", f"{name}={value}"]
        self._server = Guarded(
            command,
            log=_log(held),
            grace_s=STOP_GRACE_S,
            stop_signal=signal.SIGINT,  # "fast": it ends the sessions, where SIGTERM waits for them
            account=programs.account,
        )
        self._server.start()
        deadline = time.monotonic() + START_S_MAX
        while not ((running := read_postmaster(held.postgres)) and running.is_ready):
            if self._server.status() is not None:
                raise DataDirBroken(
                    f"PostgreSQL cannot start in {held.postgres}: {complaint(_log(held))}",
                    hint=advice(_log(held)),
                )
            if time.monotonic() > deadline:
                raise DataDirBroken(
                    f"PostgreSQL in {held.postgres} is not ready after {START_S_MAX:.0f} s",
                    hint=advice(_log(held)),
                )
            self._pause(POLL_S)
        return running.dsn()

    def _listening(self, held: HeldDataDir, programs: Programs) -> dict[str, str]:
        """The settings that say where it listens; the same at each start, so that the DSN lasts."""
        if self._transport is Transport.TCP:
            if self._port == SOCKET_PORT:
                self._port = _free_port()
            return {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "port": str(self._port)}
        if self._socket_dir is None:
            self._socket_dir = held.postgres
            # A comma would end the path: the setting is a list.
            if len(os.fsencode(held.postgres)) > SOCKET_DIR_BYTES_MAX or "," in str(held.postgres):
                self._socket_dir = Path(tempfile.mkdtemp(prefix=SOCKET_DIR_PREFIX))
                give_to_account(self._socket_dir, programs)
        return {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_dir),
            "unix_socket_permissions": "0700",
            "port": str(SOCKET_PORT),
        }


@contextmanager
def attached_or_started(data_dir: Path, *, pause: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """The DSN of the database in a data directory: the running one, or one that runs as long as the context.

    Raises DataDirEmpty where no database was ever made: an admin command with a mistyped directory shall not
    make one.
    """
    postgres = EmbeddedPostgres(data_dir, pause=pause)
    directory = data_dir.expanduser().resolve() / "postgres"
    if not os.path.exists(directory):  # unlike Path.exists, it answers no where we may not look
        raise DataDirEmpty(
            f"there is no database in {directory.parent}",
            hint="name the directory of a horde with --data DIR; `horde up --data DIR` makes a new one",
        )
    try:
        dsn = postgres.start()
    except DataDirInUse as in_use:
        dsn = _attach(directory, pause, in_use).dsn()
    try:
        yield dsn
    finally:
        postgres.stop()


def _attach(directory: Path, pause: Callable[[float], None], in_use: DataDirInUse) -> Postmaster:
    deadline = time.monotonic() + ATTACH_S_MAX
    while time.monotonic() < deadline:
        running = read_postmaster(directory)
        if running and running.is_ready and running.is_alive():
            return running
        pause(POLL_S)
    raise DataDirInUse(f"{in_use.message}, whose database does not answer", hint=in_use.hint) from in_use


def _stop_orphan(held: HeldDataDir, programs: Programs) -> None:
    """Stop a server that still runs here although nobody holds the directory: its owner was killed."""
    running = read_postmaster(held.postgres)
    if running and running.is_alive():
        command = [programs.path("pg_ctl"), "stop", "--pgdata", str(held.postgres), "--mode=fast", "--wait"]
        stopping = Guarded(command, log=_log(held), grace_s=STOP_GRACE_S, account=programs.account)
        stopping.start()
        deadline = time.monotonic() + STOP_GRACE_S
        while stopping.status() is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
        stopping.stop()
        if running.is_alive():
            raise DataDirInUse(
                f"PostgreSQL (process {running.process_id}) runs in {held.postgres}, ownerless, and goes on",
                hint=f"end it: kill -QUIT {running.process_id}",
            )
    # A killed server leaves this file. PostgreSQL would refuse to start where the number in it has gone to
    # another process of ours, which in a container is the rule: numbers begin at 1 each time.
    (held.postgres / "postmaster.pid").unlink(missing_ok=True)
    if running and Path(running.socket_dir).name.startswith(SOCKET_DIR_PREFIX):
        shutil.rmtree(running.socket_dir, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _log(held: HeldDataDir) -> Path:
    return held.logs / "postgres.log"
