"""What a model's name tells of it; there is no list of models (docs/decisions/models-need-no-reference.md)."""

from __future__ import annotations

from collections.abc import Iterable

MARKS = {
    "inpainting": "inpaint",
    "sdxl": "sdxl",
    "stable_cascade": "cascade",
    "flux": "flux",
    "special": "horde_special",
    "retired_beta": "sdxl_beta::",
}
"""Trait -> the piece of a name, in any case, that tells it (contract/lifecycle.md, section 6, "Baselines known")."""
LARGE = (MARKS["flux"], "qwen", "z-image", "z_image", "zimage", "[zmodel]")
"""Pieces of the names of models that take several times as long as others: flux_1, qwen_image and z_image_turbo."""


def traits(models: Iterable[str]) -> frozenset[str]:
    """The traits that at least one of the models has."""
    names = "\n".join(models).lower()  # one search a trait, not one a trait and model: a worker may offer hundreds
    return frozenset(trait for trait, mark in MARKS.items() if mark in names)


def is_any_large(models: Iterable[str]) -> bool:
    """Whether one of the models takes several times as long as others."""
    names = "\n".join(models).lower()
    return any(mark in names for mark in LARGE)


def are_all_for_inpainting(models: Iterable[str]) -> bool:
    """Whether there is a model and none that paints a whole picture."""
    names = list(models)
    return bool(names) and all(MARKS["inpainting"] in name.lower() for name in names)
