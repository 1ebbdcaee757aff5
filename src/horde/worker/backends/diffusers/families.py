"""The families of models, each with what is its own. A new family is a line of `FAMILIES`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import diffusers
import torch
from huggingface_hub import hf_hub_download

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.hub import here_or_fetched
from horde.worker.backends.diffusers.options import FamilyName
from horde.worker.backends.diffusers.previews import SD_COLOURS, SDXL_COLOURS, Colours
from horde.worker.backends.diffusers.prompts import Say, one_encoder, plain_words, two_encoders
from horde.worker.backends.diffusers.shelf import INDEX
from horde.worker.backends.diffusers.single_files import Shapes, layout_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipelines:
    """The pipelines of one family for the three ways to begin."""

    from_text: type[diffusers.DiffusionPipeline]
    from_picture: type[diffusers.DiffusionPipeline]
    from_hole: type[diffusers.DiffusionPipeline]
    """In- and outpainting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """What models of one making have in common."""

    name: FamilyName
    plain: Pipelines
    controlled: Pipelines | None
    """With a ControlNet."""
    side_px: int
    """Of the square pictures that it was trained on."""
    layouts: frozenset[str]
    """How diffusers calls the layouts of its single files."""
    marker: str
    """What names of tensors have in them in its single files alone."""
    precision: torch.dtype
    """What is usual on a card."""
    say: Say
    """How it is told prompts."""
    has_samplers: bool
    """Whether the horde's samplers mean something to it; else it has a schedule of its own."""
    colours: Colours | None
    """For previews."""


SDXL: Final = Family(
    name="stable_diffusion_xl",
    plain=Pipelines(
        from_text=diffusers.StableDiffusionXLPipeline,
        from_picture=diffusers.StableDiffusionXLImg2ImgPipeline,
        from_hole=diffusers.StableDiffusionXLInpaintPipeline,
    ),
    controlled=Pipelines(
        from_text=diffusers.StableDiffusionXLControlNetPipeline,
        from_picture=diffusers.StableDiffusionXLControlNetImg2ImgPipeline,
        from_hole=diffusers.StableDiffusionXLControlNetInpaintPipeline,
    ),
    side_px=1024,
    layouts=frozenset({"xl_base"}),
    marker="conditioner.embedders.1.",
    precision=torch.float16,
    say=two_encoders,
    has_samplers=True,
    colours=SDXL_COLOURS,
)
SD: Final = Family(
    name="stable_diffusion_1",
    plain=Pipelines(
        from_text=diffusers.StableDiffusionPipeline,
        from_picture=diffusers.StableDiffusionImg2ImgPipeline,
        from_hole=diffusers.StableDiffusionInpaintPipeline,
    ),
    controlled=Pipelines(
        from_text=diffusers.StableDiffusionControlNetPipeline,
        from_picture=diffusers.StableDiffusionControlNetImg2ImgPipeline,
        from_hole=diffusers.StableDiffusionControlNetInpaintPipeline,
    ),
    side_px=512,
    layouts=frozenset({"v1"}),
    marker="cond_stage_model.transformer.",
    precision=torch.float16,
    say=one_encoder,
    has_samplers=True,
    colours=SD_COLOURS,
)
FLUX: Final = Family(
    name="flux_1",
    plain=Pipelines(
        from_text=diffusers.FluxPipeline,
        from_picture=diffusers.FluxImg2ImgPipeline,
        from_hole=diffusers.FluxInpaintPipeline,
    ),
    controlled=None,
    side_px=1024,
    layouts=frozenset({"flux-dev", "flux-schnell"}),
    marker="double_blocks.",
    precision=torch.bfloat16,
    say=plain_words,
    has_samplers=False,
    colours=None,
)
FAMILIES: Final = (SDXL, SD, FLUX)


def family_of_file(place: str, shapes: Shapes) -> Family:
    """Which family a single file is of, by its tensors. Raises BackendFailed for what is of no family that we know."""
    layout = layout_of(shapes)
    for family in FAMILIES:
        if layout in family.layouts and any(family.marker in name for name in shapes):
            return family
    raise _unknown(place, f"its tensors, laid out as {layout}")


def family_of_folder(place: str, *, may_fetch: bool) -> Family:
    """Which family a model is of that diffusers saved, here or on the hub.

    Raises BackendFailed for what is no model, or of no family that we know.
    """
    index = Path(place) / INDEX
    try:
        if not index.exists():
            found = here_or_fetched(
                lambda is_here: hf_hub_download(place, INDEX, local_files_only=is_here), may_fetch=may_fetch
            )
            index = Path(found)
        said = str(json.loads(index.read_text())["_class_name"])
    except (OSError, ValueError, KeyError) as error:
        raise BackendFailed(f"there is no model at {place!r}: {error}") from error
    for family in FAMILIES:
        if family.plain.from_text.__name__ == said:
            return family
    raise _unknown(place, said)


def _unknown(place: str, said: str) -> BackendFailed:
    known = ", ".join(family.name for family in FAMILIES)
    return BackendFailed(f"the model at {place!r} ({said}) is of no family that is known; known are {known}")
