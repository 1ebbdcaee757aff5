"""Finds files by the names that requestors give, among those that the owner laid there and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.places import place_of

WEIGHTS = ".safetensors"
"""The only format that is taken: others can run code while they are read."""
INDEX = "model_index.json"
"""What a folder has that diffusers saved."""


def places(chosen: str | Mapping[str, str], what: str) -> dict[str, str]:
    """Names with their places, as `Options` describes them; `what` is for the refusal.

    In a folder these are folders as diffusers saves them, `.safetensors` files, and folders with one such file in them,
    as `horde worker models get` leaves them. A name is never made part of a path, so no requestor can name a file
    outside.
    Raises BackendFailed when the folder is not there.
    """
    if not isinstance(chosen, str):
        return {name: place_of(place) for name, place in chosen.items()}
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise BackendFailed(f"the folder of {what} {str(folder)!r} is not there")
    found = {}
    for entry in sorted(folder.iterdir()):
        if (place := _found(entry)) is not None:
            found[entry.stem if entry.suffix == WEIGHTS else entry.name] = str(place)
    return found


def _found(entry: Path) -> Path | None:
    if entry.suffix == WEIGHTS or (entry / INDEX).exists():
        return entry
    files = list(entry.glob(f"*{WEIGHTS}"))
    return files[0] if len(files) == 1 else None
