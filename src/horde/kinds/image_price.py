"""What one image is worth before it is known which model makes it.

The formula is ours, fitted to prices that were observed at the public AI Horde (contract/kudos.md, section 2.1);
tests/kinds/test_image_price.py prints how far off it is, docs/concepts/kudos.md tells it in words. It adds what is due
for any picture, what the steps cost, and what is done to the finished picture:

    setup + surcharge of big pictures  +  steps x factors x price of a step  +  post-processing

Every term grows with the pixels and none falls with the steps, so more work is never cheaper.
"""

from __future__ import annotations

from typing import Final

from msgspec import UNSET

from horde.kinds.base import Draft
from horde.kinds.image_params import TWO_PASS_SAMPLERS, ImageParams, PostProcessor, steps
from horde.units import Kudos, hundredths, kudos

MEGAPIXEL = 1024 * 1024

SETUP = 3.57
"""Due for any picture; chosen such that 512x512 at 50 steps of k_euler is worth 11.00."""
STEP, STEP_PER_MEGAPIXEL = 0.065, 0.32
BIG_PER_MEGAPIXEL, BIG_SQUARED = 21.0, 3.0
"""Big pictures cost 21 for each megapixel, which sets in where the square of the megapixels comes near 3."""
STEPS_THAT_DOUBLE = 500
"""A step of a job of so many costs twice as much: long jobs hold a worker up."""

PASSES: Final[dict[str, float]] = dict.fromkeys(TWO_PASS_SAMPLERS, 2.0) | {"k_dpm_adaptive": 1.75}
"""How often a sampler runs the model in one step; once if it is not listed."""
GUIDANCE_AT_100 = 5.0
"""What a `cfg_scale` of 100 adds to the steps; it falls with the fourth power, so that usual values add nothing."""
SOURCE_SHARE = 0.55
"""The steps that a source picture takes in any case; the others are made as far as `denoising_strength` says."""
PAINTING, HIRES_FIX, CONTROL = 1.35, 1.7, 2.7

POST_PROCESSING: Final[dict[PostProcessor, float]] = {
    "RealESRGAN_x4plus": 26,
    "4x_AnimeSharp": 10,
    "RealESRGAN_x2plus": 10,
    "NMKD_Siax": 7,
    "GFPGAN": 5,
    "strip_background": 5,
    "RealESRGAN_x4plus_anime_6B": 3,
    "CodeFormers": 0,
    # Nobody has seen a price of these. They are priced like the most similar ones above.
    "4xNomos8kSC": 10,
    "4xLSDIRplus": 10,
    "4xNomos2_hq_dat2": 10,
    "4xNomosWebPhoto_RealPLKSR": 7,
    "4xNomos2_realplksr_dysample": 7,
    "2xModernSpanimationV1": 3,
    "GFPGANv1.3": 5,
    "RestoreFormer": 5,
}
"""Kudos for each megapixel."""

PER_LORA, FOR_INVERSIONS = kudos(3), kudos(1)


def base(draft: Draft[ImageParams]) -> Kudos:
    """The price of one job, to a hundredth of a kudos, without what its model and its requestor's wishes add.

    Steps are those that the worker makes, so a ControlNet job of more than 40 costs what 40 cost.
    """
    params = draft.params
    megapixels = params.pixels / MEGAPIXEL
    squared = megapixels * megapixels
    price = (
        SETUP
        + BIG_PER_MEGAPIXEL * megapixels * squared / (BIG_SQUARED + squared)
        + _steps_priced(draft) * (STEP + STEP_PER_MEGAPIXEL * megapixels)
        + sum(POST_PROCESSING[name] for name in params.post_processing or ()) * megapixels
    )
    extra = PER_LORA * len(params.loras or ()) + (FOR_INVERSIONS if params.tis else 0)
    return Kudos(hundredths(price) + extra)


def _steps_priced(draft: Draft[ImageParams]) -> float:
    params = draft.params
    made = steps(params)
    priced = made * (1 + (made / STEPS_THAT_DOUBLE) ** 2)
    priced *= PASSES.get(params.sampler_name, 1.0) * (1 + GUIDANCE_AT_100 * (params.cfg_scale / 100) ** 4)
    has_control = params.control_type is not UNSET
    if draft.source_processing is not None:
        # A ControlNet starts from noise, whatever strength was asked for.
        denoising = 1.0 if has_control or params.denoising_strength is UNSET else params.denoising_strength
        priced *= SOURCE_SHARE + (1 - SOURCE_SHARE) * denoising
    if draft.source_processing in ("inpainting", "outpainting"):
        priced *= PAINTING
    if params.hires_fix:
        priced *= HIRES_FIX
    return priced * CONTROL if has_control else priced
