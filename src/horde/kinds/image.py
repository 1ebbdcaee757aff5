"""Images: their parameters with bounds, what they need of a worker, what they cost and what the worker gets.

Source of names, bounds and defaults: contract/api-v2.md, sections 2.2 and 3.1; of the lease: contract/lifecycle.md,
section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isqrt
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.errors import (
    BadCFGDecimals,
    BadLoraVersion,
    ControlNetSourceMissing,
    InvalidExtraTexts,
    InvalidPromptSize,
    InvalidTransparencyCN,
    MissingExtraTexts,
    MissingPrompt,
    TooManyUpscalers,
)
from horde.kinds.agents import sampler_needed
from horde.kinds.base import Draft, Kind, Needs
from horde.kinds.models import is_any_large
from horde.units import Kudos, kudos

NAME = "image"

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

HEAVY = frozenset({
    "RealESRGAN_x4plus", "RealESRGAN_x4plus_anime_6B", "NMKD_Siax", "4x_AnimeSharp", "CodeFormers", "4xNomos8kSC",
    "4xLSDIRplus", "4xNomos2_hq_dat2", "RestoreFormer",
})  # fmt: skip
"""Post-processors that need much memory."""

TWO_PASS_SAMPLERS = frozenset({"k_heun", "k_dpm_2", "k_dpm_2_a", "k_dpmpp_2s_a", "k_dpmpp_sde"})
ADAPTIVE_STEPS = 40
"""What k_dpm_adaptive counts as, whatever was asked."""
STEPS_LIMITED = (20 + 40) // 2
"""Effective steps that workers who limit them still make: the middle of what a model needs (lifecycle.md, row B22)."""
PROMPT_WORDS_MAX = 7500
CONTROL_STEPS_MAX = 40
DEFAULT_STEPS, DEFAULT_CONTROL_STEPS = 30, 20
BASIS_PIXELSTEPS = 512 * 512 * 5
"""Pixelsteps that are worth one kudos: 512x512 at 50 steps is worth 10 (contract/kudos.md, section 9)."""
LEASE_BASE_S, LEASE_S_PER_STEP = 30, 2
LEASE_BASIS_PIXELS = 512 * 512
LEASE_FACTOR_CONTROL, LEASE_FACTOR_LARGE, LEASE_FACTOR_EXTRA_SLOW = 2, 3, 3

SIZE_STEP, SIZE_MAX = 64, 3072
"""Width and height are multiples of the one and at most the other."""

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

    text: Annotated[str, Meta(min_length=1)]
    reference: Annotated[str, Meta(min_length=3)]


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
    seed: str | UnsetType = UNSET
    seed_variation: Annotated[int, Meta(ge=1, le=1000)] | UnsetType = UNSET
    post_processing: list[PostProcessor] | UnsetType = UNSET
    karras: bool = True
    tiling: bool = False
    hires_fix: bool = False
    clip_skip: Annotated[int, Meta(ge=1, le=12)] | UnsetType = UNSET
    facefixer_strength: Annotated[float, Meta(ge=0, le=1)] | UnsetType = UNSET
    loras: Annotated[list[Lora], Meta(max_length=5)] | UnsetType = UNSET
    tis: Annotated[list[TextualInversion], Meta(max_length=20)] | UnsetType = UNSET
    special: dict[str, object] | UnsetType = UNSET
    workflow: Literal["qr_code"] | UnsetType = UNSET
    transparent: bool = False
    control_type: ControlType | UnsetType = UNSET
    image_is_control: bool = False
    return_control_map: bool = False
    extra_texts: list[ExtraText] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.post_processing is not UNSET and len(set(self.post_processing)) < len(self.post_processing):
            raise ValueError("post_processing has non-unique elements")

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


def check(draft: Draft[ImageParams]) -> None:
    """Refuse what the bounds of single fields cannot see.

    Raises a BadInput of the contract's own `rc`; the order is that of contract/lifecycle.md, section 2.
    """
    params = draft.params
    if not draft.prompt.strip():
        raise MissingPrompt
    for lora in params.loras or ():
        if lora.is_version and not lora.name.isdecimal():
            raise BadLoraVersion(f"The LoRA version {lora.name!r} is not a number.")
    if (words := len(draft.prompt.split())) > PROMPT_WORDS_MAX:
        raise InvalidPromptSize(f"The prompt has {words} words; at most {PROMPT_WORDS_MAX} are taken.")
    if len(UPSCALERS.intersection(params.post_processing or ())) > 1:
        raise TooManyUpscalers
    if round(params.cfg_scale, 2) != params.cfg_scale:
        raise BadCFGDecimals(f"cfg_scale is {params.cfg_scale}; at most two decimals are taken.")
    if params.control_type is not UNSET:
        if params.transparent:
            raise InvalidTransparencyCN
        if draft.source_processing is None:
            raise ControlNetSourceMissing
    texts = params.extra_texts or []
    if params.workflow is UNSET and texts:
        raise InvalidExtraTexts
    if params.workflow is not UNSET and not any(text.reference == "qr_code" for text in texts):
        raise MissingExtraTexts


def needs(draft: Draft[ImageParams]) -> Needs:
    """The lane in which this draft waits."""
    params = draft.params
    return Needs(
        kind=NAME,
        models=tuple(sorted(set(draft.models))),
        features=_features(draft),
        sizes=(("pixels", params.pixels),),
        nsfw=draft.nsfw,
        trusted_workers=draft.trusted_workers,
        slow_workers=draft.slow_workers,
        extra_slow_workers=draft.extra_slow_workers,
        workers=tuple(sorted(set(draft.workers))),
        worker_blacklist=draft.worker_blacklist and bool(draft.workers),
    )


def _features(draft: Draft[ImageParams]) -> tuple[str, ...]:
    params = draft.params
    has_control = params.control_type is not UNSET
    wanted = {
        "img2img": draft.source_processing is not None,
        "inpainting": draft.source_processing in ("inpainting", "outpainting"),
        "extra_source_images": draft.has_extra_sources,
        "tiling": params.tiling,
        "hires_fix": params.hires_fix,
        "layer_diffuse": params.transparent,
        "return_control_map": params.return_control_map,
        "controlnet": has_control,
        "image_is_control": has_control and params.image_is_control,
        # An empty list asks for nothing, so that a page that always sends one can be served by everybody.
        "lora": bool(params.loras),
        "lora_versions": any(lora.is_version for lora in params.loras or ()),
        "textual_inversion": bool(params.tis),
        "clip_skip": params.clip_skip is not UNSET and params.clip_skip > 1,
        "post-processing": bool(params.post_processing),
        "qr_code": params.workflow is not UNSET,
        # Whether they are many, not how many there are: all who ask for few wait in one lane.
        "many_steps": effective_steps(params) > STEPS_LIMITED,
    }
    sampler = sampler_needed(params.sampler_name, karras=params.karras)
    names = {name for name, is_wanted in wanted.items() if is_wanted}
    return tuple(sorted({*names, sampler, *(params.post_processing or ())}))


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


def things(params: ImageParams) -> int:
    """Pixelsteps of one picture."""
    return params.pixels * effective_steps(params)


def price(params: ImageParams) -> Kudos:
    """One kudos for 512 x 512 x 5 pixelsteps, rounded to a hundredth."""
    return kudos(round(params.pixels * steps(params) / BASIS_PIXELSTEPS, 2))


def lease_s(params: ImageParams, models: tuple[str, ...]) -> int:
    """Seconds from the pop to the deadline, before the server's minimum is applied; longer if any model is large."""
    seconds = LEASE_BASE_S + LEASE_S_PER_STEP * effective_steps(params) * params.pixels / LEASE_BASIS_PIXELS
    seconds *= LEASE_FACTOR_CONTROL if params.control_type is not UNSET else 1
    return round(seconds * (LEASE_FACTOR_LARGE if is_any_large(models) else 1))


def batch_max(params: ImageParams, sizes: Mapping[str, int], amount: int) -> int:
    """How many of these pictures fit into the worker's memory at once; 1..amount (contract/lifecycle.md, section 4)."""
    processors = params.post_processing or []
    is_heavy = params.transparent or not HEAVY.isdisjoint(processors)
    load = params.pixels * (1 + 0.4 * len(processors)) * (1.8 if is_heavy else 1.0)
    return max(1, min(amount, round(sizes.get("pixels", 0) / 3.5 * amount / load)))


ALWAYS_SENT = (
    "sampler_name", "cfg_scale", "height", "width", "karras", "tiling", "hires_fix", "transparent",
    "image_is_control", "return_control_map",
)  # fmt: skip
NEVER_SENT = frozenset({"n", "steps", "seed", "seed_variation"})


def payload(params: ImageParams, prompt: str, n: int, seed: int) -> dict[str, object]:
    """What the worker gets: the parameters, `ddim_steps`, `n_iter` and the batch's seed as a string."""
    sent = {name: value for name, value in msgspec.to_builtins(params).items() if name not in NEVER_SENT}
    if params.seed_variation is not UNSET:
        sent["seed_variation"] = params.seed_variation
    return {**sent, "prompt": prompt, "ddim_steps": steps(params), "n_iter": n, "seed": str(seed)}


def idle_payload() -> dict[str, object]:
    """What a worker without a job gets: the schema's own defaults, never null (contract/api-v2.md, section 3.1)."""
    sent = msgspec.to_builtins(ImageParams(cfg_scale=7.5, karras=False))
    return {**{name: sent[name] for name in ALWAYS_SENT}, "ddim_steps": DEFAULT_STEPS, "n_iter": 1}


def size_in_words(_name: str, pixels: int) -> str:
    """Pixels with a picture that has so many, or nearly so many: nobody thinks in pixels."""
    side = min(isqrt(pixels) // SIZE_STEP * SIZE_STEP, SIZE_MAX)
    if side == 0:
        return f"{pixels:,} pixels"
    exact = (w for w in range(side, 0, -SIZE_STEP) if pixels % (w * SIZE_STEP) == 0 and pixels // w <= SIZE_MAX)
    width = next(exact, None)
    height = side if width is None else pixels // width
    return f"{pixels:,} pixels (for example {width or side}x{height})"


SKIP_KEYS_SHOWN = (
    "bridge_version", "untrusted", "performance", "controlnet", "post-processing", "lora", "nsfw", "unsafe_ip",
    "painting", "img2img", "worker_id", "models",
)  # fmt: skip
"""Source: contract/api-v2.md, section 3.1."""

KIND = Kind(
    name=NAME,
    params=ImageParams,
    check=check,
    needs=needs,
    things=things,
    price=price,
    lease_s=lease_s,
    lease_factor_extra_slow=LEASE_FACTOR_EXTRA_SLOW,
    payload=payload,
    batch_max=batch_max,
    size_in_words=size_in_words,
    skip_keys_shown=SKIP_KEYS_SHOWN,
)
