"""Reads what a running PostgreSQL says about itself in `postmaster.pid`, and whether it still lives."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

import psutil

ROLE = "horde"
DATABASE = "postgres"
"""The database that every new PostgreSQL has: one horde has the server to itself, so a second name adds
nothing.
"""
PASSFILE_NAME = "horde.pgpass"
LINES = 8


class Postmaster(NamedTuple):
    """The PostgreSQL that wrote `postmaster.pid`; the file outlives a process that was killed."""

    process_id: int
    directory: Path
    port: int
    socket_dir: str
    host: str
    is_ready: bool

    def is_alive(self) -> bool:
        """Whether that very process runs; after a restart of the machine its number may belong to another."""
        try:
            process = psutil.Process(self.process_id)
            return process.name().startswith("postgres") and Path(process.cwd()) == self.directory
        except psutil.Error:
            return False

    def dsn(self) -> str:
        """How to connect: by its socket where it has one, else by TCP with the password kept beside the data.

        Everything is named, so that no PG* variable of the environment can send us elsewhere. The password
        stands in a file that only we may read, not in the DSN, which is passed to processes and may be
        logged.
        """
        if self.socket_dir:
            query = {"host": self.socket_dir, "port": str(self.port)}
            return f"postgresql://{ROLE}@/{DATABASE}?{urlencode(query, quote_via=quote)}"
        query = {"passfile": str(self.directory / PASSFILE_NAME), "sslmode": "disable"}
        return f"postgresql://{ROLE}@{self.host}:{self.port}/{DATABASE}?{urlencode(query, quote_via=quote)}"


def read_postmaster(directory: Path) -> Postmaster | None:
    """What `postmaster.pid` says; None where there is none or it is still being written."""
    try:
        lines = (directory / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        process_id, _, _, port, socket_dir, host, _, state = (line.strip() for line in lines[:LINES])
        return Postmaster(int(process_id), directory, int(port), socket_dir, host, state == "ready")
    except (OSError, ValueError):
        return None
