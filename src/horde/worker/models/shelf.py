"""The folder of models that were fetched for back ends that load them themselves."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from horde.worker.models.download import PARTIAL, Told, download
from horde.worker.models.reference import ModelFile

RECORD = "model.json"
NAME_MAX = 200


class NoSuchModel(ValueError):
    """There is no model of this name on the shelf."""


class StoredFile(msgspec.Struct, frozen=True):
    """One file as it was fetched."""

    name: str
    url: str
    sha256: str


class Stored(msgspec.Struct, frozen=True):
    """A model that is there whole."""

    name: str
    files: tuple[StoredFile, ...]


def stored_in(folder: Path) -> Stored | None:
    """The model in a folder of a shelf, if it is there whole."""
    try:
        stored = msgspec.json.decode((folder / RECORD).read_bytes(), type=Stored)
    except (OSError, msgspec.DecodeError):
        return None
    return stored if all((folder / file.name).is_file() for file in stored.files) else None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Models of one machine, each in a folder of its own. Workers may go on serving while it is changed."""

    folder: Path

    def models(self) -> list[tuple[Stored, int]]:
        """Those that are there whole, with their bytes, by name."""
        places = [record.parent for record in sorted(self.folder.glob(f"*/{RECORD}"))]
        return [
            (stored, sum((place / file.name).stat().st_size for file in stored.files))
            for place in places
            if (stored := stored_in(place)) is not None
        ]

    def get(self, name: str, files: Sequence[ModelFile], told: Callable[[ModelFile], Told]) -> Stored:
        """Fetch a model; files that are there and right are not fetched again. Raises DownloadFailed."""
        place = self._place(name)
        had = {file.name: file for stored, _ in self.models() if stored.name == name for file in stored.files}
        stored = []
        for file in files:
            known = had.get(file.name)
            if known is None or known.url != file.url or file.sha256 not in (None, known.sha256):
                sha256 = download(file.url, place / file.name, sha256=file.sha256, told=told(file))
                known = StoredFile(file.name, file.url, sha256)
            stored.append(known)
        model = Stored(name, tuple(stored))
        draft = place / f"{RECORD}{PARTIAL}"
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(model)))
        draft.replace(place / RECORD)
        return model

    def remove(self, name: str) -> int:
        """Delete a model, also one that is not whole; returns the bytes that are free again. Raises NoSuchModel."""
        place = self._place(name)
        if not place.is_dir():
            raise NoSuchModel(f"there is no model {name!r} in {self.folder}")
        freed = sum(path.stat().st_size for path in place.rglob("*") if path.is_file())
        shutil.rmtree(place)
        return freed

    def _place(self, name: str) -> Path:
        # Names of models have spaces, slashes and colons; folders have none of them on every system.
        plain = "".join(letter if letter.isalnum() or letter in " -_+()" else "_" for letter in name).strip()
        return self.folder / (plain[:NAME_MAX] or "_")
