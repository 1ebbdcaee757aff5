"""What a picture of the tiny model shows: the words, the seed, the source and the mask mean something."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from horde.worker.backends.tiny.model import Model
from horde.worker.backends.tiny.pipeline import Wish, picture_of
from horde.worker.backends.tiny.samplers import SAMPLERS
from horde.worker.backends.tiny.sizes import AREA, fitted, native

RED, GREEN, BLUE, YELLOW = (222, 58, 60), (78, 168, 84), (58, 112, 218), (250, 212, 66)
NEAR = 60
"""How far each channel may lie from the middle of what a colour's name means."""
DIGEST = """
import hashlib
from horde.worker.backends.tiny.model import Model
from horde.worker.backends.tiny.pipeline import Wish, picture_of
picture = picture_of(Model(), Wish(prompt="two robots", seed=7, width=128, height=64, steps=4))
print(hashlib.sha256(picture.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


def share_of(picture: Image.Image, colour: tuple[int, int, int]) -> float:
    """The share of pixels that are of about this colour."""
    return float((np.abs(np.asarray(picture, np.int16) - colour).max(axis=2) < NEAR).mean())


def wish(prompt: str = "a red circle on a blue background", **fields: Any) -> Wish:
    return replace(Wish(prompt=prompt, seed=1, width=64, height=64, steps=12), **fields)


def test_red_circle_on_blue_is_red_in_the_blue(model: Model) -> None:
    for seed in range(5):
        picture = picture_of(model, wish(seed=seed))

        assert 0.05 < share_of(picture, RED) < 0.5
        assert share_of(picture, BLUE) > 0.5
        assert share_of(picture.crop((0, 0, 64, 3)), BLUE) > 0.9


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("karras", [True, False])
def test_every_sampler_draws_what_is_asked(model: Model, sampler: str, karras: bool) -> None:
    picture = picture_of(model, wish("a yellow square on a green background", sampler=sampler, karras=karras, steps=15))

    assert 0.04 < share_of(picture, YELLOW) < 0.6
    assert share_of(picture, GREEN) > 0.3


def test_horde_of_stable_robots_is_several_robots_at_a_stable(model: Model) -> None:
    picture = picture_of(model, wish("A horde of stable robots", width=256, height=256, steps=20))
    pixels = np.asarray(picture, np.int16)
    # Robots have white eyes with a dark middle; what can be counted without a judge is how many colours stand there.
    standing = pixels[140:]
    kinds = Counter(map(tuple, (standing // 48).reshape(-1, 3).tolist()))

    assert sum(count > 0.004 * standing.shape[0] * standing.shape[1] for count in kinds.values()) >= 4
    assert share_of(picture, (186, 62, 52)) > 0.02  # the walls of the stable


def test_night_is_darker_than_day(model: Model) -> None:
    night, day = (picture_of(model, wish(f"two trees in a meadow under a {time} sky")) for time in ("night", "day"))

    assert np.asarray(night).mean() < 0.7 * np.asarray(day).mean()


def test_same_wish_gives_the_same_picture_in_one_process(model: Model) -> None:
    first = picture_of(model, wish("two robots", seed=7))

    assert picture_of(model, wish("two robots", seed=7)).tobytes() == first.tobytes()
    assert picture_of(Model(), wish("two robots", seed=7)).tobytes() == first.tobytes()


def test_same_wish_gives_the_same_picture_in_another_process() -> None:
    digests = {
        subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }

    assert len(digests) == 1


CHANGES: dict[str, Callable[[Wish], Wish]] = {
    "seed": lambda w: wish(seed=2),
    "steps": lambda w: wish(steps=5),
    "guidance": lambda w: wish(guidance=1.0),
    "sampler": lambda w: wish(sampler="k_heun"),
    "karras": lambda w: wish(karras=False),
    "prompt": lambda w: wish("a red circle"),
    "negative prompt": lambda w: wish(negative_prompt="blue"),
}


@pytest.mark.parametrize("field", CHANGES)
def test_every_parameter_changes_the_picture(model: Model, field: str) -> None:
    assert picture_of(model, CHANGES[field](wish())).tobytes() != picture_of(model, wish()).tobytes()


def test_guidance_of_nothing_does_not_heed_the_prompt(model: Model) -> None:
    first = picture_of(model, wish(guidance=0.0))

    assert picture_of(model, wish("many green flowers", guidance=0.0)).tobytes() == first.tobytes()


@pytest.mark.parametrize("size", [(64, 64), (64, 3072), (3072, 64), (192, 64), (768, 512), (512, 512)])
def test_every_size_is_brought_as_asked(model: Model, size: tuple[int, int]) -> None:
    assert picture_of(model, wish(width=size[0], height=size[1], steps=1)).size == size


@pytest.mark.parametrize("size", [(64, 64), (512, 768), (1024, 576), (3072, 64), (64, 3072)])
def test_native_size_has_the_shape_that_is_asked_and_the_area_that_was_learnt(size: tuple[int, int]) -> None:
    width, height = native(*size)

    assert (width % 8, height % 8) == (0, 0)
    assert 0.85 * AREA < width * height < 1.15 * AREA
    assert (width > height) == (size[0] > size[1])


def test_fitted_picture_keeps_its_proportions() -> None:
    source = Image.new("RGB", (200, 100), "white")
    source.paste("red", (50, 0, 150, 100))

    assert share_of(fitted(source, 50, 50), (255, 0, 0)) > 0.95


def test_little_strength_keeps_the_source_and_full_strength_does_not(model: Model) -> None:
    source = Image.new("RGB", (64, 64), RED)

    kept = picture_of(model, wish("a blue background", source=source, strength=0.1))
    replaced = picture_of(model, wish("a yellow star on a blue background", source=source, strength=1.0))

    assert share_of(kept, RED) > 0.9
    assert share_of(replaced, RED) < 0.1


def test_mask_keeps_what_is_black_and_paints_what_is_white(model: Model) -> None:
    source = Image.new("RGB", (128, 128), BLUE)
    source.paste(GREEN, (0, 0, 40, 128))
    mask = Image.new("L", (128, 128), 0)
    mask.paste(255, (48, 16, 112, 112))

    previews: list[Image.Image] = []

    painted = picture_of(
        model,
        wish(width=128, height=128, source=source, mask=mask, steps=20),
        lambda done, steps, preview: previews.append(preview),
    )

    before, after = np.asarray(source), np.asarray(painted)
    assert (before[:, :46] == after[:, :46]).all()
    assert share_of(painted.crop((48, 16, 112, 112)), RED) > 0.15
    # The model saw at every step what surrounds the place that it painted.
    assert all(share_of(preview.crop((0, 0, 18, 64)), GREEN) == 1 for preview in previews)


def test_previews_come_with_every_step(model: Model) -> None:
    seen: list[tuple[int, int, tuple[int, int]]] = []

    picture_of(model, wish(steps=4), lambda done, steps, preview: seen.append((done, steps, preview.size)))

    assert seen == [(done, 4, (64, 64)) for done in (1, 2, 3, 4)]
