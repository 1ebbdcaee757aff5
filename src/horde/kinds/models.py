"""What a model's name tells of it; there is no list of models (docs/decisions/models-need-no-reference.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

Baseline = Literal[
    "stable diffusion 1", "stable diffusion 2", "stable_diffusion_xl", "stable_cascade", "flux_1", "qwen_image",
    "z_image_turbo",
]  # fmt: skip
"""The family that a model was made from, which says how much work one picture is."""

MARKS = {
    "inpainting": "inpaint",
    "sdxl": "sdxl",
    "stable_cascade": "cascade",
    "flux": "flux",
    "special": "horde_special",
    "retired_beta": "sdxl_beta::",
}
"""Trait -> the piece of a name, in any case, that tells it (contract/lifecycle.md, section 6, "Baselines known")."""
LARGE: frozenset[Baseline] = frozenset({"flux_1", "qwen_image", "z_image_turbo"})
"""Families whose models take several times as long as others."""

BASELINES: dict[Baseline, str] = {
    "stable_cascade": "cascade",
    "flux_1": "flux",
    "qwen_image": "qwen",
    "z_image_turbo": r"\bz[-_ ]?(image|model)",
    "stable_diffusion_xl": r"sdxl|\bxl\b",
    "stable diffusion 2": "stable[-_ ]diffusion[-_ ]2",
}
"""Baseline -> the mark in a name, in any case, that tells it; the first that is found counts.

The tags `[SDXL]`, `[Flux]`, `[Qwen]`, `[ZModel]` and `[ZImage]` of contract/lifecycle.md, section 6, are such marks,
and so is what people write into names anyway.
"""
NSFW = re.compile(r"nsfw|hentai|porn|hardcore|xxx", re.IGNORECASE)
BASELINE_MARKS = [(baseline, re.compile(mark, re.IGNORECASE)) for baseline, mark in BASELINES.items()]


PARAMETERS = re.compile(
    r"(?<![a-z0-9.])(?:(?P<experts>\d{1,3})x)?(?P<count>\d{1,4}(?:\.\d{1,3})?)(?P<unit>[bm])(?![a-z0-9])", re.IGNORECASE
)
SHARED_BY_EXPERTS = 0.2
"""What experts have in common and is there once: 8x7B has 47 billion parameters, 8x22B 141 and 4x8B 25."""
NAMES_REMEMBERED = 4096
BILLIONS_MOST = 1000
"""A name that claims more than the biggest models have is not believed."""


@lru_cache(NAMES_REMEMBERED)
def baseline_of(model: str) -> Baseline:
    """The family that a model's name tells of; names that tell nothing are taken for the oldest and cheapest."""
    return next((baseline for baseline, mark in BASELINE_MARKS if mark.search(model)), "stable diffusion 1")


def billions_of(model: str) -> float | None:
    """How many billions of parameters a text model's name tells of; None: it tells nothing that can be believed.

    What follows `::` is the user it belongs to, and tells nothing.
    """
    found = PARAMETERS.search(model.partition("::")[0])
    if found is None:
        return None
    billions = float(found["count"]) / (1000 if found["unit"] in "mM" else 1)
    if found["experts"]:
        billions *= int(found["experts"]) * (1 - SHARED_BY_EXPERTS)
    return billions if 0 < billions <= BILLIONS_MOST else None


def traits(models: Iterable[str]) -> frozenset[str]:
    """The traits that at least one of the models has."""
    names = "\n".join(models).lower()  # one search a trait, not one a trait and model: a worker may offer hundreds
    return frozenset(trait for trait, mark in MARKS.items() if mark in names)


def is_any_nsfw(models: Iterable[str]) -> bool:
    """Whether the name of one of the models says that it is made for what the young must not be seen in."""
    return any(NSFW.search(model) for model in models)


def is_any_large(models: Iterable[str]) -> bool:
    """Whether one of the models takes several times as long as others."""
    return any(baseline_of(model) in LARGE for model in models)


def are_all_for_inpainting(models: Iterable[str]) -> bool:
    """Whether there is a model and none that paints a whole picture."""
    names = list(models)
    return bool(names) and all(MARKS["inpainting"] in name.lower() for name in names)
