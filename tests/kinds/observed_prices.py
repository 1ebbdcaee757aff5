"""The prices that the public AI Horde was observed to give for one image (contract/kudos.md, section 2.1).

The basis is 512x512, 50 steps of k_euler with karras, cfg_scale 7.5, nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from horde.kinds.base import Draft
from horde.kinds.image import ImageParams

UNTAKEN_SAMPLERS = ("plms", "uni_pc_bh2", "ddim", "uni_pc")
"""The public horde has a price for these, and its wire does not take them."""

BY_STEPS = {
    1: 4.38, 5: 4.74, 8: 5.00, 10: 5.17, 15: 5.64, 20: 6.22, 25: 6.89, 30: 7.84, 40: 8.99, 50: 11.00, 75: 14.77,
    100: 19.49, 150: 25.58, 250: 48.31, 500: 148.12,
}  # fmt: skip
STEPS_OF_SIZES = (10, 20, 30, 50)
BY_SIZE = {
    (64, 64): (5.01, 5.99, 6.92, 8.68),
    (256, 256): (4.98, 5.93, 7.03, 9.02),
    (512, 512): (5.17, 6.22, 7.84, 11.00),
    (512, 768): (5.36, 6.60, 8.66, 12.07),
    (768, 512): (5.47, 6.65, 8.63, 12.26),
    (768, 768): (6.46, 8.97, 11.49, 16.30),
    (576, 1024): (6.46, 9.58, 11.72, 16.51),
    (1024, 576): (6.74, 9.35, 12.24, 17.17),
    (1024, 1024): (12.30, 15.43, 20.74, 29.03),
    (1024, 1536): (18.84, 26.02, 35.80, 53.48),
    (1536, 1024): (20.87, 28.89, 39.12, 56.84),
    (1536, 1536): (40.40, 53.62, 66.53, 84.09),
    (2048, 2048): (99.72, 112.66, 125.62, 145.00),
    (3072, 3072): (227.64, 241.74, 255.23, 275.92),
}
BY_CFG = {1: 10.73, 5: 10.90, 7.5: 11.00, 15: 11.17, 30: 11.72, 100: 48.43}
BY_SAMPLER = {
    "k_euler": 11.00, "k_euler_a": 10.98, "k_dpmpp_2m": 10.64, "k_lms": 11.19, "k_dpm_fast": 11.48, "plms": 14.46,
    "uni_pc_bh2": 14.50, "ddim": 15.02, "uni_pc": 15.04, "k_dpm_adaptive": 16.20, "k_dpmpp_2s_a": 16.41,
    "k_dpm_2": 16.82, "k_dpm_2_a": 17.55, "k_heun": 19.02, "k_dpmpp_sde": 19.53,
}  # fmt: skip
WITHOUT_KARRAS = 11.24
WITH_HIRES_FIX = {512: 18.90, 768: 25.02, 1024: 38.13}
DENOISING = (0.3, 0.5, 0.75, 1.0)
BY_SOURCE = {
    "img2img": (8.82, 9.50, 10.51, 11.29),
    "inpainting": (11.41, 11.96, 12.60, 13.27),
    "outpainting": (11.70, 12.16, 12.86, 13.49),
}
WITH_MASK = {"img2img": 10.61, "inpainting": 12.43, "outpainting": 13.13}
BY_CONTROL = {
    "canny": 18.47, "depth": 20.16, "fakescribbles": 18.79, "hed": 21.06, "hough": 21.40, "normal": 22.85,
    "openpose": 20.69, "scribble": 16.63, "seg": 19.80,
}  # fmt: skip
BY_POST_PROCESSING = {
    ("4x_AnimeSharp",): 13.37, ("CodeFormers",): 9.91, ("GFPGAN",): 12.31, ("NMKD_Siax",): 13.25,
    ("RealESRGAN_x2plus",): 13.58, ("RealESRGAN_x4plus",): 16.12, ("RealESRGAN_x4plus_anime_6B",): 12.02,
    ("strip_background",): 12.86, ("RealESRGAN_x4plus", "CodeFormers"): 16.76,
}  # fmt: skip
BY_POST_PROCESSING_1024 = {
    "4x_AnimeSharp": 31.84, "CodeFormers": 19.90, "GFPGAN": 25.21, "NMKD_Siax": 26.30, "RealESRGAN_x2plus": 29.98,
    "RealESRGAN_x4plus": 53.62, "RealESRGAN_x4plus_anime_6B": 21.95, "strip_background": 23.77,
}  # fmt: skip
"""At 1024x1024 and 30 steps."""


@dataclass(frozen=True)
class Observed:
    """One row."""

    what: str
    draft: Draft[ImageParams]
    price: float


def basis(source: str | None = None, *, has_mask: bool = False, **changes: Any) -> Draft[ImageParams]:
    """The basis job with these parameters changed."""
    params = ImageParams(**{"sampler_name": "k_euler", "cfg_scale": 7.5, "steps": 50, **changes})
    return Draft(
        kind="image",
        prompt="a red fox",
        params=params,
        source_processing=source,  # type: ignore[arg-type]  # a key of the tables above
        has_source_mask=has_mask,
    )


def observed() -> list[Observed]:
    """All rows."""
    return [*_plain(), *_with_source(), *_finished()]


def _plain() -> Iterator[Observed]:
    for steps, price in BY_STEPS.items():
        yield Observed(f"{steps} steps", basis(steps=steps), price)
    for (width, height), prices in BY_SIZE.items():
        for steps, price in zip(STEPS_OF_SIZES, prices, strict=True):
            yield Observed(f"{width}x{height}, {steps}", basis(width=width, height=height, steps=steps), price)
    for cfg, price in BY_CFG.items():
        yield Observed(f"cfg {cfg}", basis(cfg_scale=cfg), price)
    for sampler, price in BY_SAMPLER.items():
        yield Observed(sampler, basis(sampler_name=sampler), price)
    yield Observed("without karras", basis(karras=False), WITHOUT_KARRAS)
    for side, price in WITH_HIRES_FIX.items():
        yield Observed(f"hires_fix at {side}", basis(width=side, height=side, hires_fix=True), price)


def _with_source() -> Iterator[Observed]:
    for source, prices in BY_SOURCE.items():
        for denoising, price in zip(DENOISING, prices, strict=True):
            yield Observed(f"{source}, {denoising}", basis(source, denoising_strength=denoising), price)
    for source, price in WITH_MASK.items():
        yield Observed(f"{source} with mask", basis(source, has_mask=True, denoising_strength=0.75), price)
    for control, price in BY_CONTROL.items():
        yield Observed(control, basis("img2img", denoising_strength=0.75, control_type=control), price)


def _finished() -> Iterator[Observed]:
    for names, price in BY_POST_PROCESSING.items():
        yield Observed(" + ".join(names), basis(post_processing=list(names)), price)
    for name, price in BY_POST_PROCESSING_1024.items():
        yield Observed(f"{name} at 1024", basis(width=1024, height=1024, steps=30, post_processing=[name]), price)
