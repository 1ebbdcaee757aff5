"""The parameters of an image with their bounds, and how many steps they ask for.

Source of names, bounds and defaults: contract/api-v2.md, section 2.2; of the steps: contract/lifecycle.md, section 2.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Sampler = Literal[
    "k_lms", "k_heun", "k_euler", "k_euler_a", "k_dpm_2", "k_dpm_2_a", "k_dpm_fast", "k_dpm_adaptive",
    "k_dpmpp_2s_a", "k_dpmpp_2m", "dpmsolver", "k_dpmpp_sde", "DDIM", "lcm",
]  # fmt: skip
ControlType = Literal[
    "canny", "hed", "depth", "normal", "openpose", "seg", "scribble", "fakescribbles", "hough"
]  # fmt: skip
PostProcessor = Literal[
    "GFPGAN", "RealESRGAN_x4plus", "RealESRGAN_x2plus", "RealESRGAN_x4plus_anime_6B", "NMKD_Siax", "4x_AnimeSharp",
    "CodeFormers", "strip_background", "4xNomos8kSC", "4xLSDIRplus", "4xNomosWebPhoto_RealPLKSR",
    "4xNomos2_realplksr_dysample", "4xNomos2_hq_dat2", "2xModernSpanimationV1", "GFPGANv1.3", "RestoreFormer",
]  # fmt: skip
UPSCALERS = frozenset({
    "RealESRGAN_x4plus", "RealESRGAN_x2plus", "RealESRGAN_x4plus_anime_6B", "NMKD_Siax", "4x_AnimeSharp",
    "4xNomos8kSC", "4xLSDIRplus", "4xNomosWebPhoto_RealPLKSR", "4xNomos2_realplksr_dysample", "4xNomos2_hq_dat2",
    "2xModernSpanimationV1",
})  # fmt: skip

TWO_PASS_SAMPLERS = frozenset({"k_heun", "k_dpm_2", "k_dpm_2_a", "k_dpmpp_2s_a", "k_dpmpp_sde"})
ADAPTIVE_STEPS = 40
"""What k_dpm_adaptive counts as, whatever was asked."""
CONTROL_STEPS_MAX = 40
DEFAULT_STEPS, DEFAULT_CONTROL_STEPS = 30, 20

SIZE_STEP, SIZE_MAX = 64, 3072
"""Width and height are multiples of the one and at most the other."""

LORAS_MAX, TIS_MAX = 5, 20
LISTED_MAX, TEXT_MAX = 100, 10_000
"""Where the contract names no bound, or says by a code of its own what is too much: each of them is kept."""

Size = Annotated[int, Meta(ge=SIZE_STEP, le=SIZE_MAX, multiple_of=SIZE_STEP)]
Denoising = Annotated[float, Meta(ge=0.01, le=1.0)]
Strength = Annotated[float, Meta(ge=-5, le=5)]


class Lora(msgspec.Struct):
    """A LoRA to be loaded, by name or by version id."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    model: Strength = 1.0
    clip: Strength = 1.0
    inject_trigger: Annotated[str, Meta(min_length=1, max_length=30)] | UnsetType = UNSET
    is_version: bool = False


class TextualInversion(msgspec.Struct):
    """A textual inversion to be loaded."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    inject_ti: Literal["prompt", "negprompt"] | UnsetType = UNSET
    strength: Strength = 1.0


class ExtraText(msgspec.Struct):
    """A text that a workflow works into the picture."""

    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
    reference: Annotated[str, Meta(min_length=3, max_length=TEXT_MAX)]


class ImageParams(msgspec.Struct, kw_only=True):
    """How a picture is to be made. Sizes are pixels; absent optional values are left to the worker."""

    sampler_name: Sampler = "k_euler_a"
    cfg_scale: Annotated[float, Meta(ge=0, le=100)] = 5.0
    denoising_strength: Denoising | UnsetType = UNSET
    hires_fix_denoising_strength: Denoising | UnsetType = UNSET
    height: Size = 512
    width: Size = 512
    steps: Annotated[int, Meta(ge=1, le=500)] | UnsetType = UNSET
    n: Annotated[int, Meta(ge=1, le=20)] = 1
    seed: Annotated[str, Meta(max_length=TEXT_MAX)] | UnsetType = UNSET
    seed_variation: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
    post_processing: list[PostProcessor] | UnsetType = UNSET
    karras: bool = True
    tiling: bool = False
    hires_fix: bool = False
    clip_skip: Annotated[int, Meta(ge=1, le=12)] | UnsetType = UNSET
    facefixer_strength: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    loras: Annotated[list[Lora], Meta(max_length=LISTED_MAX)] | UnsetType = UNSET
    tis: Annotated[list[TextualInversion], Meta(max_length=LISTED_MAX)] | UnsetType = UNSET
    special: dict[str, object] | UnsetType = UNSET
    workflow: Literal["qr_code"] | UnsetType = UNSET
    transparent: bool = False
    control_type: ControlType | UnsetType = UNSET
    image_is_control: bool = False
    return_control_map: bool = False
    extra_texts: Annotated[list[ExtraText], Meta(max_length=LISTED_MAX)] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.post_processing is not UNSET and len(set(self.post_processing)) < len(self.post_processing):
            raise ValueError("post_processing has non-unique elements")

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def steps(params: ImageParams) -> int:
    """The number of steps the worker is told to make."""
    has_control = params.control_type is not UNSET
    asked = params.steps if params.steps is not UNSET else DEFAULT_CONTROL_STEPS if has_control else DEFAULT_STEPS
    return min(asked, CONTROL_STEPS_MAX) if has_control else asked


def effective_steps(params: ImageParams) -> int:
    """The steps that work and lease are reckoned by: samplers that pass twice count double."""
    if params.sampler_name == "k_dpm_adaptive":
        return ADAPTIVE_STEPS
    return steps(params) * (2 if params.sampler_name in TWO_PASS_SAMPLERS else 1)
