"""The samplers: how noise becomes a picture, step by step, with a network that guesses the picture from its noisy self.

Plain functions after Karras et al. 2022 (arXiv:2206.00364) and Lu et al. 2022 (DPM-Solver++, arXiv:2211.01095), by the
names under which requestors know them. A picture with noise of standard deviation sigma on it is `x`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
"""(3, H, W), -1..1 where it is clean."""

STEEP_MIN = 12
"""A step that leaves less than one part in so many of the noise is too steep for Heun's and DPM2's second look. They
come with less than eight steps only; with two, Heun's pictures would be noise eighty times too bright."""


@dataclass(frozen=True, slots=True)
class Path:
    """What a sampler goes by."""

    denoise: Callable[[Picture, float], Picture]
    """The guess of the clean picture, from a noisy one and its sigma."""
    sigmas: tuple[float, ...]
    """Falling, the last one zero; one more than there are steps."""
    noise: Callable[[], Picture]
    """Fresh noise of the picture's shape, of standard deviation one; always the same for the same seed."""


@dataclass(frozen=True, slots=True)
class Step:
    """After a step."""

    x: Picture
    guess: Picture
    """Of the clean picture, as it was seen at the beginning of this step: for previews."""


class Sampler(Protocol):
    """Goes the path from `x`, one Step for each pair of sigmas; the last `x` is the picture."""

    def __call__(self, path: Path, x: Picture) -> Iterator[Step]:
        """Lazy: work is done as steps are taken."""
        ...


def euler(path: Path, x: Picture) -> Iterator[Step]:
    """Straight on along the slope at the beginning of each step."""
    for sigma, following in pairwise(path.sigmas):
        guess = path.denoise(x, sigma)
        x = x + (x - guess) * ((following - sigma) / sigma)
        yield Step(x, guess)


def euler_ancestral(path: Path, x: Picture) -> Iterator[Step]:
    """Farther down than asked, and up again with fresh noise."""
    for sigma, following in pairwise(path.sigmas):
        down, up = _down_and_up(sigma, following)
        guess = path.denoise(x, sigma)
        x = _with_noise(x + (x - guess) * ((down - sigma) / sigma), up, path)
        yield Step(x, guess)


def heun(path: Path, x: Picture) -> Iterator[Step]:
    """With the mean of the slopes at both ends of the step; the last step, to zero, is Euler's."""
    for sigma, following in pairwise(path.sigmas):
        guess = path.denoise(x, sigma)
        slope = (x - guess) / sigma
        there = x + slope * (following - sigma)
        if _is_gentle(sigma, following):
            slope = (slope + (there - path.denoise(there, following)) / following) / 2
        x = x + slope * (following - sigma)
        yield Step(x, guess)


def dpm_2(path: Path, x: Picture) -> Iterator[Step]:
    """With the slope in the middle of the step, in the logarithm of sigma."""
    for sigma, following in pairwise(path.sigmas):
        guess = path.denoise(x, sigma)
        x = _by_the_middle(path, x, guess, sigma, following)
        yield Step(x, guess)


def dpm_2_ancestral(path: Path, x: Picture) -> Iterator[Step]:
    """`dpm_2`, farther down than asked and up again with fresh noise."""
    for sigma, following in pairwise(path.sigmas):
        down, up = _down_and_up(sigma, following)
        guess = path.denoise(x, sigma)
        x = _with_noise(_by_the_middle(path, x, guess, sigma, down), up, path)
        yield Step(x, guess)


def dpmpp_2m(path: Path, x: Picture) -> Iterator[Step]:
    """DPM-Solver++ of second order; the second slope is that of the step before."""
    before: tuple[Picture, float] | None = None
    for sigma, following in pairwise(path.sigmas):
        guess = path.denoise(x, sigma)
        lead = guess
        if before is not None and following > 0:
            last_guess, last_sigma = before
            ratio = math.log(last_sigma / sigma) / math.log(sigma / following)
            lead = guess + (guess - last_guess) / np.float32(2 * ratio)
        x = _towards(lead, x, sigma, following)
        before = (guess, sigma)
        yield Step(x, guess)


def dpmpp_2s_ancestral(path: Path, x: Picture) -> Iterator[Step]:
    """DPM-Solver++ of second order with a look at the middle of the step, and fresh noise."""
    for sigma, following in pairwise(path.sigmas):
        down, up = _down_and_up(sigma, following)
        guess = lead = path.denoise(x, sigma)
        if down > 0:
            middle = math.sqrt(sigma * down)
            lead = path.denoise(_towards(guess, x, sigma, middle), middle)
        x = _with_noise(_towards(lead, x, sigma, down), up, path)
        yield Step(x, guess)


SAMPLERS: Mapping[str, Sampler] = {
    "k_euler": euler,
    "k_euler_a": euler_ancestral,
    "k_heun": heun,
    "k_dpm_2": dpm_2,
    "k_dpm_2_a": dpm_2_ancestral,
    "k_dpmpp_2m": dpmpp_2m,
    "k_dpmpp_2s_a": dpmpp_2s_ancestral,
    # DDIM without fresh noise is Euler's method in these coordinates; what is its own is the schedule.
    "DDIM": euler,
    # The nearest of those above, for the ones that are not written here.
    "k_lms": dpmpp_2m,
    "k_dpm_fast": dpmpp_2m,
    "k_dpm_adaptive": dpmpp_2m,
    "dpmsolver": dpmpp_2m,
    "k_dpmpp_sde": dpmpp_2s_ancestral,
    "lcm": euler_ancestral,
}
"""By the names of the contract (kinds/image_params.py), each of which has a line."""


def _is_gentle(sigma: float, following: float) -> bool:
    """Whether a second look pays: at the end of a very steep step, slopes are many times what they are on the way."""
    return following * STEEP_MIN > sigma


def _down_and_up(sigma: float, following: float) -> tuple[float, float]:
    """Where to go without noise, and how much noise leads from there to `following`."""
    up = min(following, math.sqrt(following**2 * (sigma**2 - following**2) / sigma**2))
    return math.sqrt(following**2 - up**2), up


def _with_noise(x: Picture, sigma: float, path: Path) -> Picture:
    return x + path.noise() * np.float32(sigma) if sigma > 0 else x


def _by_the_middle(path: Path, x: Picture, guess: Picture, sigma: float, following: float) -> Picture:
    slope = (x - guess) / sigma
    if _is_gentle(sigma, following):
        middle = math.sqrt(sigma * following)
        there = x + slope * (middle - sigma)
        slope = (there - path.denoise(there, middle)) / middle
    return x + slope * (following - sigma)


def _towards(guess: Picture, x: Picture, sigma: float, following: float) -> Picture:
    """The exact step if the guess stayed what it is."""
    return guess + (x - guess) * np.float32(following / sigma)
