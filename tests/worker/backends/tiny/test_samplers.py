"""Samplers and schedules, tried where the right answer is known: pictures whose every pixel is drawn from one bell."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from horde.worker.backends.tiny.samplers import SAMPLERS, Path, Picture
from horde.worker.backends.tiny.schedule import SIGMA_MAX, SIGMA_MIN, cosine, from_strength, karras

MEAN, SPREAD = 0.3, 0.2
SHAPE = (3, 64, 64)
ANCESTRAL = {name for name in SAMPLERS if name.endswith("_a")} | {"k_dpmpp_sde", "lcm"}
DETERMINISTIC = sorted(set(SAMPLERS) - ANCESTRAL)


def of_the_bell(x: Picture, sigma: float) -> Picture:
    """The mean of all pixels that could be behind a noisy one, by the rule of Bayes."""
    share = np.float32(SPREAD**2 / (SPREAD**2 + sigma**2))
    return np.float32(MEAN) + share * (x - np.float32(MEAN))


def sampled(name: str, steps: int, seed: int = 1) -> Picture:
    random = np.random.default_rng(seed)

    def noise() -> Picture:
        return random.standard_normal(SHAPE, np.float32)

    sigmas = karras(steps)
    x = noise() * np.float32(sigmas[0])
    for step in SAMPLERS[name](Path(of_the_bell, sigmas, noise), x):
        x = step.x
    return x


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_samples_have_mean_and_spread_of_what_was_learnt(name: str) -> None:
    x = sampled(name, 60)

    assert x.mean() == pytest.approx(MEAN, abs=0.01)
    assert x.std() == pytest.approx(SPREAD, rel=0.12)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_without_fresh_noise_the_first_noise_decides_each_pixel(name: str) -> None:
    start = np.random.default_rng(1).standard_normal(SHAPE, np.float32) * np.float32(SIGMA_MAX)
    # The exact path of the probability flow: noise of the bell and of sigma are shrunk to the bell alone.
    exact = MEAN + (start - MEAN) * SPREAD / np.hypot(SPREAD, SIGMA_MAX)

    assert sampled(name, 120) == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("better", ["k_heun", "k_dpm_2", "k_dpmpp_2m"])
def test_second_order_is_nearer_to_the_exact_path_than_eulers(better: str) -> None:
    start = np.random.default_rng(1).standard_normal(SHAPE, np.float32) * np.float32(SIGMA_MAX)
    exact = MEAN + (start - MEAN) * SPREAD / np.hypot(SPREAD, SIGMA_MAX)

    assert np.abs(sampled(better, 12) - exact).mean() < 0.7 * np.abs(sampled("k_euler", 12) - exact).mean()


@pytest.mark.parametrize("name", sorted(ANCESTRAL))
def test_ancestral_samplers_use_fresh_noise(name: str) -> None:
    start = np.random.default_rng(1).standard_normal(SHAPE, np.float32)

    def ends(noise: Callable[[], Picture]) -> Picture:
        x = start * np.float32(SIGMA_MAX)
        for step in SAMPLERS[name](Path(of_the_bell, karras(10), noise), x):
            x = step.x
        return x

    assert np.abs(ends(lambda: start) - ends(lambda: -start)).mean() > 0.01


@pytest.mark.parametrize("name", sorted(SAMPLERS))
@pytest.mark.parametrize("steps", [1, 2])
def test_few_steps_end_in_a_clean_picture(name: str, steps: int) -> None:
    x = sampled(name, steps)

    assert np.isfinite(x).all()
    assert np.abs(x).max() < 3


@pytest.mark.parametrize("make", [karras, cosine])
@pytest.mark.parametrize("steps", [1, 2, 20, 500])
def test_schedule_falls_from_all_noise_to_none(make: Callable[[int], tuple[float, ...]], steps: int) -> None:
    sigmas = make(steps)

    assert len(sigmas) == steps + 1
    assert sigmas[0] == pytest.approx(SIGMA_MAX)
    assert sigmas[-1] == 0
    assert steps == 1 or sigmas[-2] == pytest.approx(SIGMA_MIN)
    assert all(sigma > following for sigma, following in pairwise(sigmas))


@pytest.mark.parametrize(("strength", "steps"), [(0.01, 1), (0.5, 10), (0.75, 15), (1.0, 20)])
def test_strength_is_the_share_of_steps_that_are_done(strength: float, steps: int) -> None:
    whole = karras(20)

    assert from_strength(whole, strength) == whole[20 - steps :]
