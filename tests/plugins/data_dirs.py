"""Data directories for tests that run a PostgreSQL of our own, and who still runs in one."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

STEP_S = 0.05
MEMORY = Path("/dev/shm")
MEMORY_FREE_BYTES_MIN = 2 * 1024**3
"""Many times what the databases of a run take at once."""


def in_memory() -> Path | None:
    """A folder that is kept in memory, where the machine has one with room; None: the usual one must do.

    For what is made and thrown away many times. ext4 gives no inode away that was freed in the last minutes, and
    passes over all of these whenever a file is made: 239 tests, each with a database of 300 files, took 92 s on it,
    and 17 here.
    """
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_FREE_BYTES_MIN
    return MEMORY if is_roomy and os.access(MEMORY, os.W_OK) else None


@contextmanager
def fresh_data_dir(within: Path | None = None) -> Iterator[Path]:
    """Where a data directory can be made; not in `tmp_path`, which is closed to PostgreSQL's account under root."""
    folder = Path(tempfile.mkdtemp(prefix="horde-test-", dir=within)).resolve()
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        still_running(living(folder))  # what is still stopping still removes its files
        shutil.rmtree(folder)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory of the test's own."""
    with fresh_data_dir() as path:
        yield path


def living(mark: Path | str) -> list[psutil.Process]:
    """The processes, other than this one, that have `mark` in their words, their directory or their environment."""
    text = str(mark)
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _bears(process, text)]


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process; none once it has ended, collected or not."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:  # a zombie is one of those
        return []


def still_running(processes: Sequence[psutil.Process], within_s: float = 20.0) -> list[psutil.Process]:
    """Those that have not ended within the time; returns as soon as all have.

    A dead process that nobody has collected yet (a zombie) runs no more: whether the machine's first process
    collects the orphans at once is not ours to test.
    """
    deadline = time.monotonic() + within_s
    running = list(processes)
    while running and time.monotonic() < deadline:
        _, alive = psutil.wait_procs(running, timeout=STEP_S)
        running = [process for process in alive if not _is_dead(process)]
    return running


def _is_dead(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _bears(process: psutil.Process, text: str) -> bool:
    for read in (process.cmdline, process.cwd, process.environ):
        try:
            found = read()
        except psutil.Error:
            continue
        parts = found.values() if isinstance(found, dict) else [found] if isinstance(found, str) else found
        if any(text in part for part in parts):
            return True
    return False
