"""From a prompt to a picture: guidance, samplers, pictures to begin from, masks and previews. Pure: no file, no clock.

prompt ─ words ─ told ┐
seed ─ noise ─────────┴─ sampler, step by step ─ 64x64 or so ─ enlarged four times ─ the asked size
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from horde.worker.backends.tiny import schedule
from horde.worker.backends.tiny.model import Model
from horde.worker.backends.tiny.samplers import SAMPLERS, Path, Picture
from horde.worker.backends.tiny.sizes import as_array, as_image, fitted, native

GUIDANCE_MAX = 3.0
"""Requestors send 5 to 8, as suits models a hundred times as large; this one is at its best near 3 and its colours
burn beyond. So what they send is bent: below GUIDANCE_KNEE it counts as it is, above it approaches this."""
GUIDANCE_KNEE = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A picture as it is asked for."""

    prompt: str
    negative_prompt: str = ""
    seed: int
    width: int
    height: int
    steps: int = 20
    sampler: str = "k_euler_a"
    """A key of `samplers.SAMPLERS`."""
    karras: bool = True
    guidance: float = 5.0
    """0: the prompt counts for nothing; 1: as it is; more: more."""
    source: Image.Image | None = None
    """To begin from."""
    strength: float = 1.0
    """How much of the source is to change, 0..1; without a source it has no meaning."""
    mask: Image.Image | None = None
    """White where the source is to change, black where it is to stay; any size."""


OnStep = Callable[[int, int, Image.Image], None]
"""Is told steps done, of how many, and what the picture looks like so far, small. What it raises ends the work."""


def picture_of(model: Model, wish: Wish, on_step: OnStep | None = None) -> Image.Image:
    """Make the picture, RGB, of exactly the asked size. The same wish gives the same picture, to the last bit."""
    size = native(wish.width, wish.height)
    sigmas = _sigmas(wish)
    random = np.random.Generator(np.random.PCG64(wish.seed))

    def noise() -> Picture:
        return random.standard_normal((3, size[1], size[0]), np.float32)

    x = noise() * np.float32(sigmas[0])
    source = kept = None
    if wish.source is not None:
        source = as_array(fitted(wish.source.convert("RGB"), *size))
        x = x + source
        if wish.mask is not None:
            kept = (source, 1 - _mask(wish.mask, size))
    path = Path(_denoiser(model, wish, kept), sigmas, noise)
    steps = len(sigmas) - 1
    for done, step in enumerate(SAMPLERS[wish.sampler](path, x), start=1):
        x = step.x
        if on_step is not None:
            on_step(done, steps, as_image(step.guess))
    return _finished(model, wish, x)


def _sigmas(wish: Wish) -> tuple[float, ...]:
    # DDIM is defined by its even steps; karras does not apply to it.
    make = schedule.karras if wish.karras and wish.sampler != "DDIM" else schedule.cosine
    sigmas = make(wish.steps)
    return sigmas if wish.source is None else schedule.from_strength(sigmas, wish.strength)


def _denoiser(model: Model, wish: Wish, kept: tuple[Picture, Picture] | None) -> Callable[[Picture, float], Picture]:
    guidance = _bent(wish.guidance)
    wanted, unwanted = model.told(wish.prompt), model.told(wish.negative_prompt)

    def denoise(x: Picture, sigma: float) -> Picture:
        if guidance == 1:
            (guess,) = model.guesses(x, sigma, [wanted])
        else:
            guess, away = model.guesses(x, sigma, [wanted, unwanted])
            guess = away + np.float32(guidance) * (guess - away)
        guess = np.clip(guess, -1, 1)
        if kept is not None:
            source, share = kept
            guess = guess + share * (source - guess)
        return guess

    return denoise


def _bent(guidance: float) -> float:
    if guidance <= GUIDANCE_KNEE:
        return guidance
    room = GUIDANCE_MAX - GUIDANCE_KNEE
    over = guidance - GUIDANCE_KNEE
    return GUIDANCE_KNEE + room * over / (over + room)


def _mask(mask: Image.Image, size: tuple[int, int]) -> Picture:
    """(1, H, W), 1 where the picture is to change."""
    return np.asarray(fitted(mask.convert("L"), *size), np.float32)[None] / np.float32(255)


def _finished(model: Model, wish: Wish, x: Picture) -> Image.Image:
    picture = fitted(as_image(model.enlarged(np.clip(x, -1, 1))), wish.width, wish.height)
    if wish.source is None or wish.mask is None:
        return picture
    # What was to stay is taken from the source itself, in its full sharpness.
    size = (wish.width, wish.height)
    return Image.composite(picture, fitted(wish.source.convert("RGB"), *size), fitted(wish.mask.convert("L"), *size))
