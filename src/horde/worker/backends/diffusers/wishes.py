"""What an order says beyond its prompt and size, read from the payload that the horde sent."""

from __future__ import annotations

import msgspec

from horde.kinds.image_params import ControlType, Lora, PostProcessor, TextualInversion
from horde.worker.backends.base import BackendFailed, ImageOrder
from horde.worker.backends.diffusers.samplers import DEFAULT


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of contract/api-v2.md, section 2.2, that this back end can fulfil, and those that it must refuse."""

    sampler_name: str = DEFAULT
    karras: bool = True
    cfg_scale: float = 5.0
    denoising_strength: float | None = None
    hires_fix: bool = False
    hires_fix_denoising_strength: float | None = None
    clip_skip: int = 1
    tiling: bool = False
    loras: list[Lora] = []
    tis: list[TextualInversion] = []
    control_type: ControlType | None = None
    image_is_control: bool = False
    return_control_map: bool = False
    post_processing: list[PostProcessor] = []
    facefixer_strength: float = 1.0
    use_nsfw_censor: bool = False
    transparent: bool = False
    workflow: str | None = None


def wishes_of(order: ImageOrder) -> Wishes:
    """Read an order's wishes. Raises BackendFailed for those that this back end cannot fulfil."""
    try:
        wishes = msgspec.convert(order.payload, Wishes)
    except msgspec.ValidationError as error:
        raise BackendFailed(f"the payload cannot be read: {error}") from error
    if wishes.transparent:
        raise BackendFailed("this back end makes no transparent pictures")
    if wishes.workflow is not None:
        raise BackendFailed(f"this back end has no workflow {wishes.workflow!r}")
    if order.sources is not None and (order.sources.extras or order.sources.processing == "remix"):
        raise BackendFailed("this back end makes no picture out of several")
    if wishes.control_type is not None and (order.sources is None or order.sources.picture is None):
        raise BackendFailed(f"{wishes.control_type} needs a source picture, and there is none")
    return wishes
