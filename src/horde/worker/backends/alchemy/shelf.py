"""Finds the weights of post-processors among the files that the owner has, by the names that they go by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast, get_args

from horde.kinds.image_params import PostProcessor
from horde.worker.backends.base import BackendFailed

WEIGHTS: Final = (".safetensors", ".pth", ".onnx")
"""`.pth` is read with a loader that builds nothing but tensors; other formats can run code while they are read."""
ALIASES: Final[Mapping[str, PostProcessor]] = {
    "4xnmkdsiax200k": "NMKD_Siax",
    "codeformer": "CodeFormers",
    "gfpganv14": "GFPGAN",
    "u2net": "strip_background",
}
"""Names under which their makers spread them, where these are not the horde's, as `_key` writes them."""


def found(chosen: str | Mapping[PostProcessor, str]) -> dict[PostProcessor, Path]:
    """The file of each post-processor. Names differ in case and punctuation from maker to maker, which does not count.

    A folder may hold files, and folders with one such file in them, as `horde worker models get` leaves them. Raises
    BackendFailed when something is not there, or two files go by one name.
    """
    if not isinstance(chosen, str):
        return {name: _file(name, place) for name, place in chosen.items()}
    folder = Path(chosen).expanduser()
    if not folder.is_dir():
        raise BackendFailed(f"the folder of post-processors {str(folder)!r} is not there")
    files: dict[PostProcessor, Path] = {}
    for entry in sorted(folder.iterdir()):
        name, file = _name(entry), _weights(entry)
        if name is None or file is None:
            continue
        if name in files:
            raise BackendFailed(f"both {files[name].name!r} and {entry.name!r} in {str(folder)!r} are {name}")
        files[name] = file
    if not files:
        known = ", ".join(get_args(PostProcessor))
        raise BackendFailed(f"no file in {str(folder)!r} has the name of a post-processor; known are {known}")
    return files


def _file(name: PostProcessor, place: str) -> Path:
    path = Path(place).expanduser()
    if not path.is_file():
        raise BackendFailed(f"the file of {name}, {str(path)!r}, is not there")
    if path.suffix not in WEIGHTS:
        raise BackendFailed(f"the file of {name}, {str(path)!r}, is none of {', '.join(WEIGHTS)}")
    return path


def _weights(entry: Path) -> Path | None:
    if entry.is_file():
        return entry if entry.suffix in WEIGHTS else None
    files = [file for file in entry.glob("*") if file.suffix in WEIGHTS]
    return files[0] if len(files) == 1 else None


def _name(entry: Path) -> PostProcessor | None:
    key = _key(entry.stem if entry.suffix in WEIGHTS else entry.name)
    names = {_key(name): cast("PostProcessor", name) for name in get_args(PostProcessor)}
    return names.get(key) or ALIASES.get(key)


def _key(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
