"""Which images are only made for who has the kudos for all of them, and how a request is made smaller.

Source: contract/kudos.md, sections 5.2 and 5.3.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import msgspec
from msgspec import UNSET

from horde.kinds.base import Draft, Heavy
from horde.kinds.image_params import SIZE_STEP, TWO_PASS_SAMPLERS, ImageParams, effective_steps, steps
from horde.kinds.models import baseline_of

STEPS_FREE, STEPS_FREE_WITH_CONTROL, STEPS_FREE_WITH_LCM = 40, 20, 10
"""Effective steps that anybody may ask for."""
STEPS_DOWNGRADED = 30
"""What a request is brought down to where neither a ControlNet nor LCM asks for less."""
LCM_LORAS = frozenset({"195519", "216190", "324115"})
LCM_VERSIONS = frozenset({"246747", "247778", "268475", "243643", "225222", "219782", "363353"})
"""LoRAs that make a picture in few steps, by their id or by the id of a version."""

SIDE_IDLE, SIDE_PER_THREAD, SIDE_PER_JOB = 1024, 10, 0.9
SIDE_LEAST, SIDE_MOST = 576, 1024
SIDE_LEAST_OF = {
    "stable diffusion 2": 768, "stable_diffusion_xl": 1024, "stable_cascade": 1024, "flux_1": 1024,
}  # fmt: skip
"""The side for which models of that baseline are made; it is free however long the queue is."""
SIDE_KEPT = 512
"""No side is made shorter than this."""


def heavy(draft: Draft[ImageParams], *, threads: int, queued: int, upfront_for_lists: bool = False) -> Heavy | None:
    """The first reason why the kudos must be there upfront, if there is one.

    A request for a list of workers (with `upfront_for_lists`) is not mended by making it smaller, so it comes first.
    """
    params = draft.params
    if upfront_for_lists and draft.workers:
        return Heavy(f"It is only for a list of {len(draft.workers)} workers.", may_downgrade=False)
    if not draft.slow_workers:
        return Heavy("It is only for fast workers (`slow_workers` is false).")
    made, free = effective_steps(params), _steps_free(params, STEPS_FREE)
    if made > free:
        return Heavy(f"It has {made} steps{_two_passes(params)}, and {free} are free{_why_so_few(params)}.")
    side = _side_free(draft, threads=threads, queued=queued)
    if params.pixels > side * side:
        return Heavy(f"It is {params.width}x{params.height}, and at this load up to {side}x{side} pixels are free.")
    return None


def downgraded(draft: Draft[ImageParams], *, threads: int, queued: int) -> Draft[ImageParams]:
    """The draft for slow workers too, with no more pixels and steps than are free.

    It keeps its shape as far as it can. The steps of k_dpm_adaptive stay: asking for fewer does not make them fewer.
    """
    params = draft.params
    width, height = _fitting(params.width, params.height, _side_free(draft, threads=threads, queued=queued))
    params = msgspec.structs.replace(params, width=width, height=height)
    limit = _steps_free(params, STEPS_DOWNGRADED)
    if effective_steps(params) > limit and params.sampler_name != "k_dpm_adaptive":
        limit //= 2 if params.sampler_name in TWO_PASS_SAMPLERS else 1
        params = msgspec.structs.replace(params, steps=min(steps(params), limit))
    return replace(draft, slow_workers=True, params=params)


def _steps_free(params: ImageParams, plain: int) -> int:
    if _is_lcm(params):
        return STEPS_FREE_WITH_LCM
    return plain if params.control_type is UNSET else STEPS_FREE_WITH_CONTROL


def _is_lcm(params: ImageParams) -> bool:
    return params.sampler_name == "lcm" or any(
        lora.name in (LCM_VERSIONS if lora.is_version else LCM_LORAS) for lora in params.loras or ()
    )


def _two_passes(params: ImageParams) -> str:
    if params.sampler_name in TWO_PASS_SAMPLERS:
        return f" ({steps(params)} of {params.sampler_name}, which makes two of each)"
    return " (as k_dpm_adaptive always has)" if params.sampler_name == "k_dpm_adaptive" else ""


def _why_so_few(params: ImageParams) -> str:
    return " with LCM" if _is_lcm(params) else " with a ControlNet" if params.control_type is not UNSET else ""


def _side_free(draft: Draft[ImageParams], *, threads: int, queued: int) -> int:
    """The side of the biggest square that is free: it falls as jobs wait, and rises with the workers online."""
    side = SIDE_IDLE + SIDE_PER_THREAD * threads - round(SIDE_PER_JOB * queued)
    made_for = [SIDE_LEAST_OF.get(baseline_of(model), SIDE_LEAST) for model in draft.models]
    return min(max(side, SIDE_LEAST, *made_for), SIDE_MOST)


def _fitting(width: int, height: int, side: int) -> tuple[int, int]:
    limit = side * side
    if width * height <= limit:
        return width, height
    scale = sqrt(limit / (width * height))
    width, height = _scaled(width, scale), _scaled(height, scale)
    # The shorter side may have been kept from shrinking; then the longer one makes up for it.
    if width >= height:
        return min(width, limit // height // SIZE_STEP * SIZE_STEP), height
    return width, min(height, limit // width // SIZE_STEP * SIZE_STEP)


def _scaled(side: int, scale: float) -> int:
    return max(int(side * scale) // SIZE_STEP * SIZE_STEP, min(side, SIDE_KEPT))
