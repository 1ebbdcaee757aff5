"""Model references: files that say where the files of named models are to be had, and what they must be.

Two shapes are read: our own, `{"name": {"files": [{"name": ..., "url": ..., "sha256": ...}]}}`, and that of the
public model references, which has `config.files` with checksums and `config.download` with addresses.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import msgspec

REFERENCE_BYTES_MAX = 64 * 1024 * 1024


class BadReference(ValueError):
    """A reference cannot be used, or does not know a model."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    name: str
    """Without any folder."""
    url: str
    sha256: str | None = None


class _File(msgspec.Struct):
    name: str = ""
    url: str = ""
    sha256: str | None = None
    path: str = ""
    sha256sum: str | None = None
    file_name: str = ""
    file_url: str = ""


class _Config(msgspec.Struct):
    files: list[_File] = []
    download: list[_File] = []


class _Model(msgspec.Struct):
    files: list[_File] = []
    config: _Config = msgspec.field(default_factory=_Config)


def files_of(reference: Path, model: str) -> list[ModelFile]:
    """The files of a model, by a reference. Raises BadReference."""
    known = _read(reference)
    if model not in known:
        raise BadReference(f"the model reference {reference} does not know {model!r}")
    found = known[model]
    sums = {file.path: file.sha256sum for file in found.config.files}
    files = [_checked(file.name, file.url, file.sha256) for file in found.files]
    files += [_checked(file.file_name, file.file_url, sums.get(file.file_name)) for file in found.config.download]
    if not files:
        raise BadReference(f"the model reference {reference} names no files of {model!r}")
    return files


def names_by_file(reference: Path) -> dict[str, str]:
    """By the name of a file, the model that it is of; files of several models are left out. Raises BadReference."""
    return unambiguous(
        (file, name)
        for name, model in _read(reference).items()
        for file in (
            *(file.name for file in model.files),
            *(file.path for file in model.config.files),
            *(file.file_name for file in model.config.download),
        )
        if file
    )


def unambiguous(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What each word stands for, of (word, name); a word that stands for several names is left out."""
    found: dict[str, str] = {}
    several: set[str] = set()
    for word, name in pairs:
        if found.setdefault(word, name) != name:
            several.add(word)
    return {word: name for word, name in found.items() if word not in several}


def _read(reference: Path) -> dict[str, _Model]:
    try:
        if reference.stat().st_size > REFERENCE_BYTES_MAX:
            raise BadReference(f"{reference} has more than {REFERENCE_BYTES_MAX:,} bytes")
        return msgspec.json.decode(reference.read_bytes(), type=dict[str, _Model])
    except (OSError, msgspec.DecodeError) as error:
        raise BadReference(f"the model reference {reference} cannot be read: {error}") from error


def file_at(url: str, name: str | None = None, sha256: str | None = None) -> ModelFile:
    """A single file by its address. Raises BadReference."""
    return _checked(name or PurePosixPath(urlsplit(url).path).name, url, sha256)


def _checked(name: str, url: str, sha256: str | None) -> ModelFile:
    if not url.startswith(("https://", "http://")):
        raise BadReference(f"{url!r} is not the address of a file; one begins with https://")
    if not name or name != PurePosixPath(name.replace("\\", "/")).name or name.startswith("."):
        raise BadReference(f"{name!r} cannot be the name of a file here")
    return ModelFile(name, url, sha256)
