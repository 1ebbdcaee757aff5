"""The objects themselves: pictures by key, in a folder now and in any S3 later, behind one library."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import structlog
from obstore.exceptions import BaseError
from obstore.store import LocalStore

from horde.errors import ObjectNotFound, StorageFailed

log = structlog.get_logger(__name__)

KEY = re.compile(r"^[0-9a-f-]{36}\.webp$")
"""Keys are ours alone, made of a job's id; anything else is refused before it can become a path."""

LISTED_MAX = 500
"""Objects that are looked at in one go."""


def job_key(job_id: str) -> str:
    """Where the picture of a job lies."""
    return f"{job_id}.webp"


class Objects:
    """Pictures by key. Putting the same key again replaces the object whole, never in part."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store

    @classmethod
    def in_folder(cls, folder: Path) -> Objects:
        """Objects as files of `folder`, which is made when it is missing, for our own account alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(LocalStore(folder))

    async def put(self, key: str, content: bytes) -> None:
        """Store an object; readers see the old one or the new one.

        Raises StorageFailed when it cannot be written, such as on a full disk; the old one is left then.
        """
        with _failures_told(key):
            await self._store.put_async(_checked(key), content)

    async def get(self, key: str) -> bytes:
        """Raises ObjectNotFound, or StorageFailed."""
        with _failures_told(key):
            found = await self._store.get_async(_checked(key))
            return bytes(await found.bytes_async())

    async def exists(self, key: str) -> bool:
        """Whether there is such an object. Raises StorageFailed."""
        try:
            with _failures_told(key):
                await self._store.head_async(_checked(key))
        except ObjectNotFound:
            return False
        return True

    async def delete(self, keys: list[str]) -> None:
        """Remove objects; those that are gone already are no error. Raises StorageFailed."""
        for key in keys:
            with contextlib.suppress(ObjectNotFound), _failures_told(key):
                await self._store.delete_async(_checked(key))

    async def older_than(self, moment: datetime) -> AsyncIterator[list[str]]:
        """The keys of the objects written before then, some at a time. Raises StorageFailed."""
        with _failures_told("the list of files"):
            async for objects in self._store.list(chunk_size=LISTED_MAX):
                old = [item["path"] for item in objects if item["last_modified"] < moment]
                # Whatever else lies in the folder is not ours to delete.
                if keys := [key for key in old if KEY.fullmatch(key)]:
                    yield keys


@contextlib.contextmanager
def _failures_told(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectNotFound(f"There is no file {key}.") from error
    except BaseError as error:
        log.exception("storage.failed", key=key)
        raise StorageFailed from error


def _checked(key: str) -> str:
    if not KEY.fullmatch(key):
        raise ObjectNotFound(f"There is no file {key[:80]!r}.")
    return key
