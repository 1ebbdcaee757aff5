"""Images: what is refused, what they need of a worker, what they cost and what the worker gets.

Their parameters with bounds stand in image_params.py and may be imported from here.
Source of the payload: contract/api-v2.md, section 3.1; of the lease: contract/lifecycle.md, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

import msgspec
from msgspec import UNSET

from horde.errors import (
    BadCFGDecimals,
    BadLoraVersion,
    InvalidExtraTexts,
    InvalidPromptSize,
    MissingExtraTexts,
    MissingPrompt,
    TooManyUpscalers,
)
from horde.kinds.agents import abilities, pay_share, sampler_needed
from horde.kinds.base import Draft, Kind, Needs, Unit
from horde.kinds.image_charge import ANY_MODEL, charge_terms, estimate, tax, uptime_reward, worth
from horde.kinds.image_models import check_families, check_hires_fix, refuse_post_processors
from horde.kinds.image_params import DEFAULT_STEPS, LORAS_MAX, SIZE_MAX, SIZE_STEP, TIS_MAX, UPSCALERS
from horde.kinds.image_params import ImageParams as ImageParams
from horde.kinds.image_params import Lora as Lora
from horde.kinds.image_params import PostProcessor as PostProcessor
from horde.kinds.image_params import Sampler as Sampler
from horde.kinds.image_params import effective_steps as effective_steps
from horde.kinds.image_params import steps as steps
from horde.kinds.image_price import base
from horde.kinds.image_refusals import TooManyLoras, TooManyTIs
from horde.kinds.image_sources import check_sources
from horde.kinds.image_special import check_asker, check_server
from horde.kinds.image_upfront import downgraded, heavy
from horde.kinds.models import is_any_large
from horde.kinds.styles import IMAGE_STYLES
from horde.units import PIXELSTEPS_PER_MPS, Kudos

NAME = "image"

HEAVY = frozenset({
    "RealESRGAN_x4plus", "RealESRGAN_x4plus_anime_6B", "NMKD_Siax", "4x_AnimeSharp", "CodeFormers", "4xNomos8kSC",
    "4xLSDIRplus", "4xNomos2_hq_dat2", "RestoreFormer",
})  # fmt: skip
"""Post-processors that need much memory."""
STEPS_LIMITED = (20 + 40) // 2
"""Effective steps that workers who limit them still make: the middle of what a model needs (lifecycle.md, row B22)."""
PROMPT_WORDS_MAX = 7500
DEFAULT_SPEED = 1_000_000.0
SLOW_BELOW = 500_000.0
"""Pixelsteps per second: of a worker that has delivered nothing yet, and under which a worker is slow."""
SPEED_BELIEVED = 20_000_000
"""Pixelsteps per second."""
LEASE_BASE_S, LEASE_S_PER_STEP = 30, 2
LEASE_BASIS_PIXELS = 512 * 512
LEASE_FACTOR_CONTROL, LEASE_FACTOR_LARGE, LEASE_FACTOR_EXTRA_SLOW = 2, 3, 3


def check(draft: Draft[ImageParams]) -> None:
    """Refuse what the bounds of single fields cannot see.

    Raises a BadInput of the contract's own `rc`; the order is that of contract/lifecycle.md, section 2.
    """
    params = draft.params
    if not draft.prompt.strip():
        raise MissingPrompt
    check_hires_fix(draft)
    if (loras := len(params.loras or ())) > LORAS_MAX:
        raise TooManyLoras(f"There are {loras} LoRAs; at most {LORAS_MAX} are taken.")
    for lora in params.loras or ():
        if lora.is_version and not lora.name.isdecimal():
            raise BadLoraVersion(f"The LoRA version {lora.name!r} is not a number.")
    if (tis := len(params.tis or ())) > TIS_MAX:
        raise TooManyTIs(f"There are {tis} textual inversions; at most {TIS_MAX} are taken.")
    check_families(draft)
    if (words := len(draft.prompt.split())) > PROMPT_WORDS_MAX:
        raise InvalidPromptSize(f"The prompt has {words} words; at most {PROMPT_WORDS_MAX} are taken.")
    refuse_post_processors(draft)
    if len(UPSCALERS.intersection(params.post_processing or ())) > 1:
        raise TooManyUpscalers
    if round(params.cfg_scale, 2) != params.cfg_scale:
        raise BadCFGDecimals(f"cfg_scale is {params.cfg_scale}; at most two decimals are taken.")
    check_sources(draft)
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
        "extra_source_images": draft.extra_sources > 0,
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


def things(params: ImageParams) -> int:
    """Pixelsteps of one picture."""
    return params.pixels * effective_steps(params)


def lease_s(params: ImageParams, models: tuple[str, ...]) -> int:
    """Seconds from the pop to the deadline, before the server's minimum is applied; longer if any model is large."""
    seconds = LEASE_BASE_S + LEASE_S_PER_STEP * effective_steps(params) * params.pixels / LEASE_BASIS_PIXELS
    seconds *= LEASE_FACTOR_CONTROL if params.control_type is not UNSET else 1
    return round(seconds * (LEASE_FACTOR_LARGE if is_any_large(models) else 1))


def batch_max(params: ImageParams, sizes: Mapping[str, int], amount: int) -> int:
    """How many of these pictures fit into the worker's memory at once; 1..amount (contract/lifecycle.md, section 4).

    Those of a workflow are made one by one (section 2, row 26).
    """
    if params.workflow is not UNSET:
        return 1
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


def slow_below(_models: Sequence[str]) -> float:
    """The same for all models."""
    return SLOW_BELOW


def worth_to(price: Kudos, model: str, needs: Needs) -> Kudos:
    """What one job of that price is worth when this model made it for these needs."""
    return worth(price, model, needs.features)


def job_sizes(params: ImageParams) -> Mapping[str, int]:
    """What shared keys limit of one picture."""
    return {"image_pixels": params.pixels, "image_steps": steps(params)}


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
    unit=Unit("megapixelsteps", PIXELSTEPS_PER_MPS),
    default_speed=DEFAULT_SPEED,
    slow_below=slow_below,
    abilities=abilities,
    price=base,
    any_model=ANY_MODEL,
    counts_for_teams=True,
    believable_speed=SPEED_BELIEVED,
    is_prompt_filtered=True,
    has_negative_prompt=True,
    pay_share=pay_share,
    uptime_reward=uptime_reward,
    worth=worth_to,
    charge_terms=charge_terms,
    tax=tax,
    estimate=estimate,
    heavy=heavy,
    downgraded=downgraded,
    lease_s=lease_s,
    lease_factor_extra_slow=LEASE_FACTOR_EXTRA_SLOW,
    payload=payload,
    batch_max=batch_max,
    size_in_words=size_in_words,
    skip_keys_shown=SKIP_KEYS_SHOWN,
    style=IMAGE_STYLES,
    makes_files=True,
    check_asker=check_asker,
    check_server=check_server,
    job_sizes=job_sizes,
)
