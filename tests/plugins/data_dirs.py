"""Data directories for tests that run a PostgreSQL of our own, and who still runs in one."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """Where a data directory can be made; not in `tmp_path`, which is closed to PostgreSQL's account under root."""
    folder = Path(tempfile.mkdtemp(prefix="horde-test-")).resolve()
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)


def living(mark: Path | str) -> list[psutil.Process]:
    """The processes, other than this one, that have `mark` in their words, their directory or their environment."""
    text = str(mark)
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _bears(process, text)]


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
