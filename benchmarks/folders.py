"""Where the servers under test keep their data: all of it is removed at the end of a run, and none before."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILES = 20
EASY_S = 0.0001
"""A file is made in a tenth of this; past some thousands that were deleted it takes several times as much."""
WAIT_S_MAX = 400.0
PAUSE_S = 5.0


@contextmanager
def folder_of_run() -> Iterator[Path]:
    """A folder for all data of a run, which goes when the block ends.

    ext4 does not give away again what was deleted in the last one to six minutes, and passes over each of it whenever a
    file is made. What one scenario left would be charged to the next one: 0.7 ms of processor time for a cycle, seen
    after a scenario of 10,000 pictures.
    """
    with tempfile.TemporaryDirectory(prefix="horde-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)  # under root PostgreSQL runs as another account, which must pass through
        yield folder


async def until_easy(folder: Path) -> None:
    """Return when files are made in this very folder as fast as ever, whatever was deleted before.

    Each folder has a place of its own on the disk. Gives up after some minutes: then the disk is slow, and its figures
    are what they are.
    """
    begun = time.monotonic()
    number = 0
    while _made_s(folder, number) > EASY_S and time.monotonic() - begun < WAIT_S_MAX:
        if not number:
            sys.stdout.write(f"  waits up to {WAIT_S_MAX:.0f} s until the disk has forgotten what was deleted before\n")
            sys.stdout.flush()
        number += FILES
        await asyncio.sleep(PAUSE_S)


def _made_s(folder: Path, first: int) -> float:
    """How long it takes to make a file. None is removed again; the server does not take them for pictures."""
    taken = []
    for number in range(first, first + FILES):
        begun = time.perf_counter()
        (folder / f"probe {number}").touch()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)
