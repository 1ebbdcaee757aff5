"""Makes the database of a data directory, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from horde import logfile
from horde.guard import Guarded
from horde.server.db.datadir import MODE_OURS, DataDirBroken, HeldDataDir
from horde.server.db.postmaster import PASSFILE_NAME, ROLE
from horde.server.db.programs import VERSION, Programs, give_to_account

INITDB_S_MAX = 120.0
"""Making a database takes 0.4 s on a laptop; this is for a network disk."""
INITDB_GRACE_S = 5.0
POLL_S = 0.02
PASSWORD_BYTES = 32
UNFINISHED = "postgres.unfinished"
COMPLAINTS = ("FATAL:", "PANIC:", "error:", "guard:")
"""How the lines begin in which PostgreSQL's programs (and the guard) say why they end."""
COMPLAINT_LINES = 20

OPTIONS = (
    f"--username={ROLE}",
    "--encoding=UTF8",
    # PostgreSQL's own, the same on every system: no upgrade of the system's can spoil an index.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth-local=trust",  # who may reach the socket: horde.server.db.embedded
    "--auth-host=scram-sha-256",
    "--no-instructions",
)


def is_new(held: HeldDataDir) -> bool:
    """Whether a database is still to be made; raises DataDirBroken for one that we could not open."""
    directory = held.postgres
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return True
    try:
        version = (directory / "PG_VERSION").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise DataDirBroken(
            f"{directory} holds something, but no database (PG_VERSION is missing or damaged)",
            hint="restore a backup, move it away to begin anew, or name another directory: --data DIR",
        ) from None
    if version != str(VERSION):
        raise DataDirBroken(
            f"the database in {directory} says it is of PostgreSQL {version[:20]!r}, and this is {VERSION}",
            hint="bring it over with pg_upgrade, restore a backup, or name another directory: --data DIR",
        )
    return False


def make_database(held: HeldDataDir, programs: Programs, *, log: Path, pause: Callable[[float], None]) -> None:
    """Make it beside its place and move it there when it is whole: no interruption leaves a half database.

    Raises DataDirBroken. What an interrupted call left is removed by the next one.
    """
    unfinished = held.path / UNFINISHED
    password_file = held.path / (UNFINISHED + ".password")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=MODE_OURS)
    give_to_account(unfinished, programs)
    try:
        _write_secret(password_file, password)
        give_to_account(password_file, programs)
        command = [programs.path("initdb"), *OPTIONS, f"--pwfile={password_file}", f"--pgdata={unfinished}"]
        initdb = Guarded(command, log=log, grace_s=INITDB_GRACE_S, account=programs.account)
        _run(initdb, held, log=log, pause=pause)
    finally:
        password_file.unlink(missing_ok=True)
    _write_secret(unfinished / PASSFILE_NAME, f"*:*:*:{ROLE}:{password}\n")
    with contextlib.suppress(FileNotFoundError):
        held.postgres.rmdir()
    unfinished.rename(held.postgres)


def complaint(log: Path) -> str:
    """The last thing that PostgreSQL found fatal, in its own words, without the time before it."""
    lines = logfile.last_lines(log, COMPLAINT_LINES)
    for line in reversed(lines):
        for mark in COMPLAINTS:
            if mark in line:
                return line.partition(mark)[2].strip()
    return lines[-1] if lines else "it does not say why"


def advice(log: Path) -> str:
    """The hint that goes with a complaint."""
    return f"{log} says more; restore the directory from a backup, or name another: --data DIR"


def _run(initdb: Guarded, held: HeldDataDir, *, log: Path, pause: Callable[[float], None]) -> None:
    deadline = time.monotonic() + INITDB_S_MAX
    initdb.start()
    try:
        while (status := initdb.status()) is None and time.monotonic() < deadline:
            pause(POLL_S)
    finally:
        initdb.stop()
    if status != 0:
        reason = complaint(log) if status else f"not done within {INITDB_S_MAX:.0f} s"
        raise DataDirBroken(f"no database could be made in {held.path}: {reason}", hint=advice(log))


def _write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
