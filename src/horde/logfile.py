"""The file a background process prints to: begun anew at a start, bounded meanwhile, quoted at a failure."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

SIZE_MAX = 10 * 1024 * 1024
"""A log of more bytes is cut; with the older one kept beside it, a process has at most twice this."""
TAIL_BYTES = 16_384
"""How much of a log's end is read to quote its last lines."""


def begin(log: Path) -> None:
    """Begin a new log file, keeping the one of the last run as `<name>.1`."""
    with contextlib.suppress(FileNotFoundError):
        log.replace(_older(log))


def bound(log: Path) -> None:
    """Empty a log that has grown too long, keeping a copy; its process goes on writing to the same file.

    It must have opened the file for appending. A line printed between the copy and the cut is lost, which is
    the price of asking nothing of a process that is not ours.
    """
    try:
        if log.stat().st_size <= SIZE_MAX:
            return
    except FileNotFoundError:
        return
    shutil.copyfile(log, _older(log))
    os.truncate(log, 0)


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a log, empty ones left out; none where there is no file."""
    try:
        with log.open("rb") as file:
            file.seek(-min(TAIL_BYTES, log.stat().st_size), os.SEEK_END)
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-count:]


def _older(log: Path) -> Path:
    return log.with_name(log.name + ".1")
