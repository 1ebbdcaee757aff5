"""What the models of the owner's programs are called on the horde."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath, PureWindowsPath

MODEL_SUFFIXES = frozenset({".gguf", ".ggml", ".bin", ".safetensors", ".ckpt", ".pt", ".pth"})
NAME_LENGTH_MIN = 3
NAME_LENGTH_MAX = 255
"""What a pop may name (contract/api-v2.md, section 3.1)."""


def horde_names(
    models: Sequence[str], prefix: str | None, wanted: Mapping[str, str] | None, known: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The program's name of each model by its name on the horde, in the program's order.

    With `wanted` (the horde's names to the program's) only those that the program has, also when it is named there
    by its bare name. Otherwise all, each by the name that is `known` for it (by what `squashed` makes of names), or
    else by its bare name after `prefix/`, as is the custom for models of texts.
    """
    bare = {bare_name(model): model for model in reversed(models)}
    if wanted is not None:
        known = {**bare, **{model: model for model in models}}
        return {name: known[model] for name, model in wanted.items() if model in known}
    customary = {f"{prefix}/{name}" if prefix else name: model for name, model in reversed(bare.items())}
    names: dict[str, str] = {}
    for name, model in customary.items():
        names.setdefault((known or {}).get(squashed(name), name), model)
    return {name: model for name, model in names.items() if NAME_LENGTH_MIN <= len(name) <= NAME_LENGTH_MAX}


def squashed(name: str) -> str:
    """What of a name is left when case and punctuation are taken away."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def bare_name(model: str) -> str:
    """The name of a model without the folder of its file and the file's suffix; that of no file stays as it is."""
    path = PureWindowsPath(model) if "\\" in model else PurePath(model)
    if path.suffix.lower() in MODEL_SUFFIXES:
        return path.stem
    return path.name if path.is_absolute() else model
