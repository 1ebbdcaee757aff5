"""What must be true of the pictures that come along with a request for images, before anybody looks at them.

Source: contract/lifecycle.md, section 2, rows 22 to 27.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET

from horde.errors import (
    ControlNetSourceMissing,
    InvalidExtraSourceImages,
    InvalidTransparencyCN,
    SourceMaskUnnecessary,
)
from horde.kinds.base import Draft
from horde.kinds.image_params import ImageParams
from horde.kinds.image_refusals import (
    ControlNetInpaintingMismatch,
    ControlNetMismatch,
    ControlNetUnsupported,
    InvalidRemix,
    InvalidTransparencyImg2Img,
    SourceImageRequiredForModel,
    UnexpectedModelName,
)
from horde.kinds.models import Baseline, baseline_of

PIX2PIX = "pix2pix"
NEED_SOURCE = frozenset({"Stable Diffusion 2 Depth", PIX2PIX})
"""Models that only change pictures."""
CONTROLNET_MARK = "controlnet"
"""What the names of ControlNet models have in them, in any case: they lead another model and paint nothing."""
WITHOUT_CONTROLNET: frozenset[Baseline] = frozenset({
    "stable_diffusion_xl", "stable_cascade", "flux_1", "qwen_image", "z_image_turbo",
})  # fmt: skip
PAINTING = frozenset({"inpainting", "outpainting"})


def check_sources(draft: Draft[ImageParams]) -> None:
    """Raises a BadInput of the contract's own `rc`, in the contract's order."""
    params, has_source = draft.params, draft.has_source_image
    if draft.has_source_mask and not has_source:
        raise SourceMaskUnnecessary
    if params.control_type is not UNSET:
        _check_control(draft)
    if params.transparent and draft.extra_sources:
        raise InvalidTransparencyImg2Img
    if params.transparent and params.control_type is not UNSET:
        raise InvalidTransparencyCN
    if draft.source_processing == "remix":
        _refuse_others(draft.models, "stable_cascade")
    elif draft.extra_sources:
        raise InvalidExtraSourceImages
    for model in () if has_source else draft.models:
        if model in NEED_SOURCE:
            raise SourceImageRequiredForModel(f"The model {model!r} makes pictures from pictures.")
        if CONTROLNET_MARK in model.lower():
            raise UnexpectedModelName(f"{model!r} is a ControlNet: it leads a model, and makes nothing by itself.")


def _check_control(draft: Draft[ImageParams]) -> None:
    if PIX2PIX in draft.models:
        raise ControlNetUnsupported(f"The model {PIX2PIX!r} cannot be led by a control_type.")
    if not draft.has_source_image:
        raise ControlNetSourceMissing
    if draft.source_processing in PAINTING:
        raise ControlNetInpaintingMismatch(f"A control_type cannot be used for {draft.source_processing}.")
    for model in draft.models:
        if (baseline := baseline_of(model)) in WITHOUT_CONTROLNET:
            raise ControlNetMismatch(f"There is no ControlNet for {model!r}, which is of the family {baseline}.")


def _refuse_others(models: Iterable[str], baseline: Baseline) -> None:
    for model in models:
        if baseline_of(model) != baseline:
            raise InvalidRemix(f"The model {model!r} cannot remix pictures; Stable Cascade can.")
