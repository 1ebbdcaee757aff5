"""What must be true of pictures that come along, by code and in the order of contract/lifecycle.md, section 2."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from horde.errors import (
    BadInput,
    ControlNetSourceMissing,
    InvalidExtraSourceImages,
    InvalidTransparencyCN,
    SourceMaskUnnecessary,
)
from horde.kinds.base import Draft
from horde.kinds.image import KIND, ImageParams
from horde.kinds.image_refusals import (
    ControlNetInpaintingMismatch,
    ControlNetMismatch,
    ControlNetUnsupported,
    InvalidRemix,
    InvalidTransparencyImg2Img,
    SourceImageRequiredForModel,
    UnexpectedModelName,
)

CASCADE, SDXL, FLUX = "Stable Cascade 1.0", "AlbedoBase XL (SDXL)", "Flux.1-Schnell fp8 (Compact)"
WITH = {"source_processing": "img2img"}
MANY_EXTRAS = {"source_processing": "remix", "extra_sources": 2, "models": (CASCADE,)}


def draft(models: tuple[str, ...] = ("stable_diffusion",), **fields: Any) -> Draft[ImageParams]:
    known = {name: fields.pop(name) for name in list(fields) if name in Draft.__dataclass_fields__}
    params = msgspec.convert(fields, ImageParams)
    return replace(Draft(kind="image", prompt="a red fox", params=params, models=models), **known)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"has_source_mask": True}, SourceMaskUnnecessary),
        ({"has_source_mask": True, "control_type": "canny", "models": ("pix2pix",)}, SourceMaskUnnecessary),
        ({**MANY_EXTRAS, "has_only_extra_sources": True, "has_source_mask": True}, SourceMaskUnnecessary),
        ({"control_type": "canny", "models": ("pix2pix",)}, ControlNetUnsupported),
        ({**WITH, "control_type": "canny", "models": ("pix2pix",)}, ControlNetUnsupported),
        ({"control_type": "canny"}, ControlNetSourceMissing),
        ({"control_type": "canny", "transparent": True}, ControlNetSourceMissing),
        ({"control_type": "canny", "source_processing": "inpainting"}, ControlNetInpaintingMismatch),
        ({"control_type": "canny", "source_processing": "outpainting"}, ControlNetInpaintingMismatch),
        *[({**WITH, "control_type": "hed", "models": ("one", name)}, ControlNetMismatch)
          for name in (CASCADE, SDXL, FLUX, "Qwen-Image", "Z-Image-Turbo")],
        ({**WITH, "extra_sources": 2, "transparent": True}, InvalidTransparencyImg2Img),
        ({**WITH, "control_type": "canny", "transparent": True}, InvalidTransparencyCN),
        ({"source_processing": "remix"}, InvalidRemix),
        ({"source_processing": "remix", "models": (CASCADE, SDXL)}, InvalidRemix),
        ({**WITH, "extra_sources": 1}, InvalidExtraSourceImages),
        ({"models": ("pix2pix",)}, SourceImageRequiredForModel),
        ({"models": ("one", "Stable Diffusion 2 Depth")}, SourceImageRequiredForModel),
        ({"models": ("control_canny ControlNet",)}, UnexpectedModelName),
    ],
)  # fmt: skip
def test_draft_whose_pictures_do_not_fit_is_refused_by_its_own_code(
    fields: dict[str, Any], error: type[BadInput]
) -> None:
    with pytest.raises(error):
        KIND.check(draft(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        WITH,
        {**WITH, "has_source_mask": True, "transparent": True},
        {**WITH, "control_type": "canny"},
        {**WITH, "control_type": "canny", "models": ("Stable Diffusion 2.1",)},
        {"source_processing": "inpainting", "has_source_mask": True},
        MANY_EXTRAS,
        {**MANY_EXTRAS, "has_only_extra_sources": True},
        {"source_processing": "remix", "models": (CASCADE,)},
        {"source_processing": "remix", "models": ()},
        {**WITH, "models": ("pix2pix",)},
        {**WITH, "models": ("Stable Diffusion 2 Depth",)},
    ],
)
def test_draft_whose_pictures_fit_is_taken(fields: dict[str, Any]) -> None:
    KIND.check(draft(**fields))


def test_extra_pictures_alone_are_no_source_image() -> None:
    assert [
        draft(**fields).has_source_image
        for fields in ({}, WITH, MANY_EXTRAS, {**MANY_EXTRAS, "has_only_extra_sources": True})
    ] == [False, True, True, False]
