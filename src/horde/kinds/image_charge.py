"""What an image is worth once its model is known, and what its requestor pays.

Source: contract/kudos.md, sections 2.2, 4 and 5.1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import UNSET

from horde.kinds.base import ChargeTerms, Draft
from horde.kinds.image_params import UPSCALERS, ImageParams
from horde.kinds.image_price import base
from horde.kinds.models import Baseline, baseline_of
from horde.units import KUDOS_SCALE, Kudos, kudos

MULTIPLIERS: Final[dict[Baseline, int]] = {
    "stable_diffusion_xl": 2,
    "stable_cascade": 4,
    "flux_1": 8,
    "z_image_turbo": 8,
    "qwen_image": 12,
}
"""How much more work a picture of that baseline is than one of Stable Diffusion 1."""
MULTIPLIERS_WITH: Final[dict[tuple[Baseline, str], int]] = {
    ("stable_diffusion_xl", "qr_code"): 4,
    ("stable_cascade", "hires_fix"): 7,
}
"""The multiplier for a request that needs this feature."""
ANY_MODEL = "SDXL 1.0"
"""What a request that names no model is taken for in an estimate."""

FOR_SOURCE, FOR_UPSCALER, FOR_FAST_WORKERS, FOR_BLACKLIST = 1.3, 1.05, 1.2, 1.1
PER_JOB = 1
UPTIME, UPTIME_PER_MODEL, UPTIME_FOR_LORA = kudos(50), kudos(2), kudos(30)
TAX, TAX_PER_EXTRA_SOURCE, TAX_FOR_STYLE = kudos(1), kudos(5), kudos(2)


def worth(price: Kudos, model: str, features: Collection[str]) -> Kudos:
    """What one job of that price is worth when this model made it; `features` as in `Needs`."""
    baseline = baseline_of(model)
    multiplier = MULTIPLIERS.get(baseline, 1)
    for (listed, feature), dearer in MULTIPLIERS_WITH.items():
        if listed == baseline and feature in features:
            multiplier = dearer
    return Kudos(price * multiplier)


def uptime_reward(models: Collection[str], features: Collection[str], _sizes: Mapping[str, int]) -> Kudos:
    """For ten minutes online: the more models are there to be asked for, the more (contract/kudos.md, section 6)."""
    return Kudos(UPTIME + UPTIME_PER_MODEL * len(models) + (UPTIME_FOR_LORA if "lora" in features else 0))


def charge_terms(draft: Draft[ImageParams]) -> ChargeTerms:
    """(worth x source x post-processing + 1) x fast workers x blacklist."""
    wishes = (FOR_FAST_WORKERS if not draft.slow_workers else 1.0) * (FOR_BLACKLIST if draft.worker_blacklist else 1.0)
    work = FOR_SOURCE if draft.source_processing is not None else 1.0
    for name in draft.params.post_processing or ():
        work *= FOR_UPSCALER if name in UPSCALERS else 1.0
    return ChargeTerms(factor=work * wishes, extra=kudos(PER_JOB * wishes))


def tax(draft: Draft[ImageParams], *, has_foreign_style: bool = False) -> Kudos:
    """Due once, when the request is accepted; a style of one's own costs nothing."""
    return Kudos(TAX + TAX_PER_EXTRA_SOURCE * draft.extra_sources + (TAX_FOR_STYLE if has_foreign_style else 0))


def estimate(draft: Draft[ImageParams]) -> Kudos:
    """What the whole request costs if the first of its models makes all of it, or a little more.

    It is more because the kudos for each job are multiplied by the model too, as the public horde does it.
    """
    wanted = {"hires_fix": draft.params.hires_fix, "qr_code": draft.params.workflow is not UNSET}
    features = [feature for feature, is_wanted in wanted.items() if is_wanted]
    multiplier = worth(Kudos(KUDOS_SCALE), draft.models[0] if draft.models else ANY_MODEL, features) // KUDOS_SCALE
    return Kudos(charge_terms(draft).of(base(draft)) * draft.n * multiplier + tax(draft))
