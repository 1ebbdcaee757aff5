"""The families of models, each with what is its own. A new family is a line of `FAMILIES`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import diffusers
import torch
from huggingface_hub import hf_hub_download
from safetensors import safe_open

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.previews import SD_COLOURS, SDXL_COLOURS, Colours
from horde.worker.backends.diffusers.shelf import INDEX


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

    name: str
    plain: Pipelines
    controlled: Pipelines | None
    """With a ControlNet."""
    side_px: int
    """Of the square pictures that it was trained on."""
    marker: str
    """A tensor that only its single files have, or the beginning of its name."""
    precision: torch.dtype
    """What is usual on a card."""
    has_negative: bool
    """Whether it takes a negative prompt."""
    skipped_layers: int | None
    """How many of the text encoder's last layers it leaves out by itself; None: it cannot leave out any."""
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
    marker="conditioner.embedders.1.",
    precision=torch.float16,
    has_negative=True,
    skipped_layers=1,
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
    marker="cond_stage_model.",
    precision=torch.float16,
    has_negative=True,
    skipped_layers=0,
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
    marker="double_blocks.",
    precision=torch.bfloat16,
    has_negative=False,
    skipped_layers=None,
    has_samplers=False,
    colours=None,
)
FAMILIES: Final = (SDXL, SD, FLUX)


def family_of(place: str, *, may_fetch: bool) -> Family:
    """Which family the model at this place is of, read from its own words.

    Raises BackendFailed for what is no model, or of no family that we know.
    """
    path = Path(place)
    if path.is_file():
        with safe_open(path, framework="pt") as weights:
            names = list(weights.keys())
        found = [family for family in FAMILIES if any(family.marker in name for name in names)]
        said = "its tensors"
    else:
        said = _class_of(place, may_fetch=may_fetch)
        found = [family for family in FAMILIES if family.plain.from_text.__name__ == said]
    if not found:
        known = ", ".join(family.name for family in FAMILIES)
        raise BackendFailed(f"the model at {place!r} ({said}) is of no family that is known; known are {known}")
    return found[0]


def _class_of(place: str, *, may_fetch: bool) -> str:
    index = Path(place) / INDEX
    try:
        if not index.exists():
            index = Path(hf_hub_download(place, index.name, local_files_only=not may_fetch))
        return str(json.loads(index.read_text())["_class_name"])
    except (OSError, ValueError, KeyError) as error:
        raise BackendFailed(f"there is no model at {place!r}: {error}") from error
