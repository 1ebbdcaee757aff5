"""Finds files by the names that requestors give, among those that the owner laid there and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.places import place_of
from horde.worker.models.shelf import stored_in

WEIGHTS: Final = ".safetensors"
"""The format of weights that cannot run code."""
OLD_WEIGHTS: Final = ".ckpt"
"""The one before, taken for models alone: they are read by a reader that makes nothing but tensors."""
INDEX = "model_index.json"
"""What a folder has that diffusers saved."""


def places(chosen: str | Mapping[str, str], what: str, *, formats: tuple[str, ...] = (WEIGHTS,)) -> dict[str, str]:
    """Names with their places, as `Options` describes them; `what` is for the refusal.

    In a folder these are folders as diffusers saves them, files of these formats, and folders with one such file in
    them, as `horde worker models get` leaves them, by the name that was got. A name is never made part of a path, so no
    requestor can name a file outside.
    Raises BackendFailed when the folder is not there.
    """
    if not isinstance(chosen, str):
        return {name: place_of(place) for name, place in chosen.items()}
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise BackendFailed(f"the folder of {what} {str(folder)!r} is not there")
    found = {}
    for entry in sorted(folder.iterdir()):
        if (place := _found(entry, formats)) is not None:
            found[_name(entry, formats)] = str(place)
    return found


def _found(entry: Path, formats: tuple[str, ...]) -> Path | None:
    if entry.suffix in formats or (entry / INDEX).exists():
        return entry
    files = [path for path in entry.glob("*") if path.suffix in formats]
    return files[0] if len(files) == 1 else None


def _name(entry: Path, formats: tuple[str, ...]) -> str:
    if entry.suffix in formats:
        return entry.stem
    # The name of a folder has not every letter that a model's name may have.
    stored = stored_in(entry)
    return entry.name if stored is None else stored.name
