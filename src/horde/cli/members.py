"""The processes of a horde on this machine: its database, its servers and its worker, to be supervised."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from horde import logfile
from horde.cli.output import CommandFailed
from horde.guard import Guarded
from horde.server.accounts.keys import ANONYMOUS_KEY
from horde.server.db.datadir import EmbeddedError
from horde.server.db.embedded import EmbeddedPostgres
from horde.server.settings import Settings, child_environment

SERVER_GRACE_S = 8.0
"""`horde serve` ends its requests within 5 s, then its background work."""
WORKER_GRACE_S = 10.0
"""Long enough to finish a small picture; what is not finished returns to the queue."""
# Not the script `horde`: it need not be on anyone's PATH, and this is surely the same package as ours.
HORDE = (sys.executable, "-m", "horde.cli.main")


class Database:
    """The PostgreSQL of the data directory."""

    name = "database"

    def __init__(self, postgres: EmbeddedPostgres, log: Path) -> None:
        self.log = log
        self.url = ""
        self._postgres = postgres

    def start(self) -> None:
        """Start it; `url` says how to connect then, and stays the same when it is started again."""
        try:
            self.url = self._postgres.start()
        except EmbeddedError as error:
            raise CommandFailed(error.message, hint=error.hint) from error

    def status(self) -> int | None:
        """None while it runs, then its exit status."""
        return self._postgres.status()

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """End it, never hurried: to write all down takes a moment, to replay the journal takes longer."""
        self._postgres.stop()


class Command:
    """One of our own commands as a background process; without a log it speaks where we do."""

    def __init__(
        self, name: str, words: Sequence[str], *, log: Path | None, grace_s: float, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        self._program = Guarded([*HORDE, *words], log=log, grace_s=grace_s, environment=environment)
        if log:
            logfile.begin(log)

    def start(self) -> None:
        """Start it; what it says goes on in the same place."""
        self._program.start()

    def status(self) -> int | None:
        """None while it runs, then its exit status."""
        return self._program.status()

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """End it, at once when hurried."""
        self._program.stop(is_hurried)


def server(settings: Settings, logs: Path) -> Command:
    """The API; needs a database in `settings`."""
    log, environment = logs / "server.log", _server_environment(settings)
    return Command("server", _server_words(settings), log=log, grace_s=SERVER_GRACE_S, environment=environment)


def node(settings: Settings, number: int) -> Command:
    """One of the servers that share an address; needs a database in `settings`, with the schema of this program."""
    words = [*_server_words(settings), "--node", str(number)]
    environment = _server_environment(settings)
    return Command(f"server node {number}", words, log=None, grace_s=SERVER_GRACE_S, environment=environment)


def local_worker(name: str, url: str, logs: Path) -> Command:
    """A worker with the back end `tiny`, whose model comes with the package and needs no graphics card."""
    words = ["worker", "--horde", url, "--key", ANONYMOUS_KEY, "--name", name, "--backend", "tiny"]
    # A worker has no business with the database.
    environment = child_environment(database_url=None)
    return Command("worker", words, log=logs / "worker.log", grace_s=WORKER_GRACE_S, environment=environment)


def _server_words(settings: Settings) -> list[str]:
    return ["serve", "--host", settings.host, "--port", str(settings.port), "--data", str(settings.data_dir)]


def _server_environment(settings: Settings) -> dict[str, str]:
    # The database's address may hold a password, and `ps` shows everyone the words: the environment it is.
    return child_environment(
        database_url=settings.database_url,
        upfront_kudos=settings.upfront_kudos,
        rate_limits=settings.rate_limits,
    )
