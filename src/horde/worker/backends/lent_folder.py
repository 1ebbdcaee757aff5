"""A folder of a program's own in which it finds what the worker fetched, under names of ours.

A name is made of a checksum: it is the same for the same content, another for another, since programs keep what they
read by its name, and nothing that a site or a requestor chose stands in it.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path

from horde.worker.backends.base import AddOn

SUFFIX = ".safetensors"
DRAFT = ".part"
OURS = re.compile(r"horde-[0-9a-f]{8}-[0-9a-f]{16}")
"""The word, which worker's folder it comes from, and the checksum's beginning."""
CHECKSUM = re.compile(r"[0-9a-f]{64}")


def is_ours(stem: str) -> bool:
    """Whether a file of this name, without its suffix, was put there by a worker."""
    return OURS.fullmatch(stem) is not None


class LentFolder:
    """One folder of a program's. It blocks: call it in threads. All it raises is OSError.

    `add_ons` is the worker's folder, and no file from elsewhere is put here. `sees_alike`: whether the program finds
    the files of this machine where the worker does; one in a container does not.
    """

    def __init__(self, folder: Path, add_ons: Path, *, sees_alike: bool) -> None:
        self.folder = folder
        self._add_ons = add_ons
        self._sees_alike = sees_alike
        # Another worker with another folder may serve the same program: its files are not ours to remove.
        self._prefix = f"horde-{hashlib.sha256(str(add_ons.resolve()).encode()).hexdigest()[:8]}-"

    def open(self) -> None:
        """See whether files can be put here, and remove halves of those that an earlier run did not end."""
        # Asked by writing, for permissions are not told truly on every system.
        with tempfile.TemporaryFile(dir=self.folder):
            pass
        for draft in self.folder.glob(f"{self._prefix}*{DRAFT}"):
            draft.unlink(missing_ok=True)

    def stem(self, sha256: str) -> str:
        """The name that a file with this checksum has here, without the suffix."""
        return f"{self._prefix}{sha256[:16]}"

    def put(self, add_on: AddOn) -> bool:
        """Have it here; whether it was not before. Safe to call for the same one twice at once."""
        source, place = Path(add_on.path), self.folder / f"{self.stem(add_on.sha256)}{SUFFIX}"
        assert CHECKSUM.fullmatch(add_on.sha256), "checksums are compared with the file when it is fetched"
        assert source.resolve().is_relative_to(self._add_ons.resolve()), "only what the worker fetched is lent"
        size = source.stat().st_size
        with suppress(FileNotFoundError):
            if place.stat().st_size == size:
                return False
        # A link that leads nowhere, or another file in its place.
        place.unlink(missing_ok=True)
        # Another order may have put it here meanwhile.
        with suppress(FileExistsError):
            self._link(source, place)
        return True

    def tidy(self, wanted: Callable[[], Container[str]]) -> None:
        """Remove what was put here, but for the names that `wanted` tells; it is asked after the folder was read."""
        found = list(self.folder.glob(f"{self._prefix}*{SUFFIX}"))
        kept = wanted()
        for path in found:
            if path.stem not in kept:
                # Windows lets nobody remove what a program reads; the next time does.
                with suppress(OSError):
                    path.unlink()

    def _link(self, source: Path, place: Path) -> None:
        # A hard link is a file like any other, also for a program in a container; a symbolic one reaches other disks.
        try:
            os.link(source, place)
        except FileExistsError:
            raise
        except OSError:
            if not (self._sees_alike and _is_symbolic(source, place)):
                self._copy(source, place)

    def _copy(self, source: Path, place: Path) -> None:
        # Programs do not look at files with this ending, and so see no halves.
        draft = place.with_name(f"{place.stem}.{uuid.uuid4().hex}{DRAFT}")
        try:
            shutil.copyfile(source, draft)
            draft.replace(place)
        finally:
            draft.unlink(missing_ok=True)


def _is_symbolic(source: Path, place: Path) -> bool:
    """Make a symbolic link, where that can be done; Windows wants a privilege for it."""
    try:
        place.symlink_to(source.resolve())
    except FileExistsError:
        raise
    except OSError:
        return False
    return True
