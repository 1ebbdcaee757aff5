"""The back ends. `BACKENDS` is the one list: a new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

from horde.worker.backends.base import AnyBackend

BACKENDS: Final = {
    "a1111": "horde.worker.backends.a1111:A1111",
    "alchemy": "horde.worker.backends.alchemy:alchemy",
    "comfyui": "horde.worker.backends.comfyui:ComfyUI",
    "demo": "horde.worker.backends.demo:Demo",
    "diffusers": "horde.worker.backends.diffusers:diffusers",
    "koboldai": "horde.worker.backends.koboldai:KoboldAI",
    "openai": "horde.worker.backends.openai:OpenAI",
    "tiny": "horde.worker.backends.tiny.backend:Tiny",
}
"""Each by the place of what makes it, which is imported when somebody wants it: some need much."""
WITH_SHELF: Final = frozenset({"diffusers"})
"""Those that load what `horde worker models get` fetched; they are told its folder as the option `shelf`."""
WITH_ADD_ONS: Final = frozenset({"a1111", "comfyui"})
"""Those that lend fetched LoRAs to their programs; they are told the folder of these as the option `add_ons`."""
WITH_NAMES: Final = frozenset({"a1111", "comfyui", "koboldai", "openai"})
"""Those whose programs have models by names of their own; they are told the horde's as the option `known_names`."""
AUTO = "auto"
"""In place of a name: what is found on this machine (worker/found_out.py)."""


class Factory(Protocol):
    """What makes a back end."""

    def __call__(self, **options: object) -> AnyBackend:
        """Not started yet. Raises TypeError for options that it does not have."""
        ...


class UnknownBackend(ValueError):
    """There is no such back end, or it cannot be made; the message says which there are."""


def load(name: str, options: Mapping[str, object] | None = None) -> AnyBackend:
    """Make the back end of this name, or the one that `package.module:factory` makes. It is not started.

    `options` are what its factory takes by name. Raises UnknownBackend.
    """
    place = BACKENDS.get(name, name)
    module_name, colon, factory_name = place.partition(":")
    known = f"known are {', '.join(BACKENDS)}, and `package.module:factory` for one of your own"
    if not colon:
        raise UnknownBackend(f"there is no back end {name!r}; {known}")
    try:
        factory = getattr(import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise UnknownBackend(f"the back end {name!r} cannot be loaded: {error}; {known}") from error
    try:
        return cast("Factory", factory)(**(options or {}))
    except TypeError as error:
        raise UnknownBackend(f"the back end {name!r} cannot be made with these options: {error}") from error


def chosen(
    words: str,
    options: Mapping[str, Mapping[str, object]],
    shelf: Path,
    add_ons: Path | None = None,
    known_names: Mapping[str, str] | None = None,
) -> dict[str, AnyBackend]:
    """Make the back ends that a setting names, `a1111=http://127.0.0.1:7860, koboldai`, with their options.

    Those named twice are told apart by a number. `shelf` is the folder of fetched models, `add_ons` that of fetched
    LoRAs and textual inversions; None: none are fetched. `known_names` are the horde's names of models, by what
    `model_names.squashed` makes of them. Raises UnknownBackend.
    """
    made: dict[str, AnyBackend] = {}
    for key, url in _named(words):
        with_url = {} if url is None else {"url": url}
        with_shelf = {"shelf": str(shelf)} if key in WITH_SHELF else {}
        with_add_ons = {"add_ons": str(add_ons)} if key in WITH_ADD_ONS and add_ons is not None else {}
        with_names = {"known_names": known_names} if key in WITH_NAMES and known_names else {}
        given = {**with_shelf, **with_add_ons, **with_names, **options.get(key, {}), **with_url}
        backend = load(key, given)
        number = 1 + sum(other.partition(" ")[0] == key for other in made)
        made[key if number == 1 else f"{key} {number}"] = backend
    if not made:
        raise UnknownBackend(f"no back end is named; known are {', '.join(BACKENDS)}")
    return made


def uses_names(words: str) -> bool:
    """Whether any of the back ends that a setting names is told the horde's names of models."""
    return any(key in WITH_NAMES for key, _ in _named(words))


def _named(words: str) -> list[tuple[str, str | None]]:
    """The names in a setting, each with its address where it has one."""
    parts = [word.partition("=") for word in words.split(",") if word.strip()]
    return [(name.strip(), url.strip() if has_url else None) for name, has_url, url in parts]
