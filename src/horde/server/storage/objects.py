"""The objects themselves: pictures by key, as files of a folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import structlog

from horde.errors import ObjectNotFound, StorageFailed

log = structlog.get_logger(__name__)

NAME = r"^(?P<owner>[0-9a-f-]{36})(_src|_msk|_exra_src_[0-9])?\.webp"
KEY = re.compile(rf"{NAME}$")
"""Keys are ours alone, made of the id of a job or a request; anything else is refused before it can become a path."""

HALF_WRITTEN = re.compile(rf"{NAME}\.[0-9a-f]{{8}}$")
LISTED_MAX = 500
"""Objects that are looked at in one go."""
SMALL = 256 * 1024
"""Bytes up to which a file is written and read at once; a picture of 1024x1024 is about as large."""


def job_key(job_id: str) -> str:
    """Where the picture of a job lies."""
    return f"{job_id}.webp"


def source_key(request_id: str) -> str:
    """Where the picture lies that came along with a request."""
    return f"{request_id}_src.webp"


def mask_key(request_id: str) -> str:
    """Where the mask of that picture lies."""
    return f"{request_id}_msk.webp"


def extra_source_key(request_id: str, number: int) -> str:
    """Where one more picture lies that came along; they are counted from 0. Spelt as contract/lifecycle.md has it."""
    return f"{request_id}_exra_src_{number}.webp"


def owner_of(key: str) -> str:
    """The id of the job or the request that a key was made of."""
    found = KEY.fullmatch(key)
    assert found, "only keys of ours come here"
    return found["owner"]


class Objects:
    """Pictures by key. Putting the same key again replaces the object whole, never in part.

    Small ones are written and read where they are asked for: into and out of the memory of the operating system, which
    takes 50 us. A thread for each would cost twenty times that (docs/decisions/pictures-are-files.md).
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._prefix = f"{folder}{os.sep}"

    @classmethod
    def in_folder(cls, folder: Path) -> Objects:
        """Objects as files of `folder`, which is made when it is missing, for our own account alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(folder)

    async def put(self, key: str, content: bytes) -> None:
        """Store an object; readers see the old one or the new one.

        Raises StorageFailed when it cannot be written, such as on a full disk; the old one is left then.
        """
        path = self._path(key)
        with _failures_told(key):
            if len(content) <= SMALL:
                _write(path, content)
            else:
                await asyncio.to_thread(_write, path, content)

    async def get(self, key: str) -> bytes:
        """Raises ObjectNotFound, or StorageFailed."""
        path = self._path(key)
        with _failures_told(key):
            is_small = _size(path) <= SMALL
            return _read(path) if is_small else await asyncio.to_thread(_read, path)

    async def exists(self, key: str) -> bool:
        """Whether there is such an object. Raises StorageFailed."""
        path = self._path(key)
        try:
            with _failures_told(key):
                _size(path)
        except ObjectNotFound:
            return False
        return True

    async def delete(self, keys: list[str]) -> None:
        """Remove objects; those that are gone already are no error. Raises StorageFailed."""
        for key in keys:
            path = self._path(key)
            with _failures_told(key):
                _remove(path)

    async def older_than(self, moment: datetime) -> AsyncIterator[list[str]]:
        """The keys of the objects written before then, some at a time. Raises StorageFailed."""
        with _failures_told("the folder"):
            # Whatever else lies in it is not ours.
            names = await asyncio.to_thread(_names, self._folder, KEY, moment.timestamp())
        for start in range(0, len(names), LISTED_MAX):
            yield names[start : start + LISTED_MAX]

    async def delete_half_written(self, moment: datetime) -> int:
        """Remove what writing was begun before then and never ended; returns how many. Raises StorageFailed."""
        with _failures_told("the folder"):
            names = await asyncio.to_thread(_names, self._folder, HALF_WRITTEN, moment.timestamp())
            for name in names:
                _remove(self._prefix + name)
        return len(names)

    def _path(self, key: str) -> str:
        # As a text: to make a Path costs more than to look whether the file is there.
        return self._prefix + _checked(key)


def _write(path: str, content: bytes) -> None:
    # Beside it, so that the replacement is one step of the file system.
    aside = f"{path}.{secrets.token_hex(4)}"
    try:
        # Without a buffer, whose making asks the system three things more about each file.
        with open(aside, "wb", buffering=0) as file:
            left = memoryview(content)
            while left:
                left = left[file.write(left) :]
        os.replace(aside, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(aside)
        if isinstance(error, FileNotFoundError):
            raise NotADirectoryError(f"the folder {os.path.dirname(path)} is gone") from error
        raise


def _read(path: str) -> bytes:
    with open(path, "rb", buffering=0) as file:
        return file.readall()


def _size(path: str) -> int:
    return os.stat(path).st_size


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _names(folder: Path, pattern: re.Pattern[str], before: float) -> list[str]:
    with os.scandir(folder) as entries:
        return [
            entry.name
            for entry in entries
            if pattern.match(entry.name) and entry.stat(follow_symlinks=False).st_mtime < before
        ]


@contextlib.contextmanager
def _failures_told(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectNotFound(f"There is no file {key}.") from error
    except OSError as error:
        log.exception("storage.failed", key=key)
        raise StorageFailed from error


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ObjectNotFound(f"There is no file {key[:80]!r}.")
    return key
