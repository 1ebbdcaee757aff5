"""The demo: the same words give the same picture, every size can be drawn, and words that can be shown are."""

import time

import pytest
from PIL import Image

from horde.worker.backends.base import ImageOrder
from horde.worker.backends.demo import drawn
from horde.worker.backends.demo_picture.colour import ROBOT_COLOURS
from horde.worker.backends.demo_picture.picture import draw, readable
from horde.worker.backends.demo_picture.scene import COUNT_MAX, Season, Time, scene_of

PROMPT = "A horde of stable robots"


def picture(prompt: str = PROMPT, *, seed: int = 1, steps: int = 30, size: tuple[int, int] = (128, 128)) -> Image.Image:
    return draw(scene_of(prompt, seed=seed, steps=steps), prompt, *size)


def order(width: int, height: int) -> ImageOrder:
    return ImageOrder(
        model="demo", prompt=PROMPT, negative_prompt="", width=width, height=height, steps=30, seeds=(1,), payload={}
    )


def test_same_order_and_seed_give_the_same_bytes() -> None:
    assert drawn(order(128, 128), 1) == drawn(order(128, 128), 1)


@pytest.mark.parametrize("other", [picture("Two robots"), picture(seed=2), picture(steps=1)])
def test_other_words_seed_or_steps_give_another_picture(other: Image.Image) -> None:
    assert other.tobytes() != picture().tobytes()


@pytest.mark.parametrize("size", [(64, 64), (64, 3072), (3072, 64), (192, 64), (768, 512), (1024, 1024)])
def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    assert picture(size=size).size == size


def test_largest_picture_is_drawn() -> None:
    assert picture(size=(3072, 3072)).size == (3072, 3072)


def test_picture_of_usual_size_takes_less_than_three_tenths_of_a_second() -> None:
    drawn(order(512, 512), 0)
    began_at = time.process_time()

    drawn(order(512, 512), 1)

    assert time.process_time() - began_at < 0.3


@pytest.mark.parametrize(
    ("prompt", "time_of_day"),
    [("robots at NIGHT", "night"), ("a sunset", "dusk"), ("sunrise, robots", "dawn"), ("noon", "day")],
)
def test_hour_of_the_prompt_is_shown(prompt: str, time_of_day: Time) -> None:
    assert {scene_of(prompt, seed=seed, steps=30).time for seed in range(8)} == {time_of_day}


@pytest.mark.parametrize(("prompt", "season"), [("snow", "winter"), ("autumn leaves", "autumn"), ("on mars", "desert")])
def test_season_of_the_prompt_is_shown(prompt: str, season: Season) -> None:
    assert {scene_of(prompt, seed=seed, steps=30).season for seed in range(8)} == {season}


@pytest.mark.parametrize(
    ("prompt", "count"),
    [("three robots", 3), ("7 robots", 7), ("a lonely robot", 1), ("9999 robots", COUNT_MAX), ("an empty stable", 0)],
)
def test_number_of_the_prompt_is_the_number_of_robots(prompt: str, count: int) -> None:
    assert scene_of(prompt, seed=1, steps=30).robots == count
    assert picture(prompt).size == (128, 128)


def test_colours_of_the_prompt_are_those_of_the_robots() -> None:
    assert scene_of("pink and gold robots", seed=1, steps=30).colours == (ROBOT_COLOURS["pink"], ROBOT_COLOURS["gold"])


def test_every_word_changes_what_is_left_to_chance() -> None:
    assert scene_of("robots, quietly", seed=1, steps=30).chance != scene_of("robots, loudly", seed=1, steps=30).chance


def test_words_without_meaning_leave_all_to_the_seed() -> None:
    assert len({scene_of("", seed=seed, steps=30).time for seed in range(40)}) == 4


@pytest.mark.parametrize(
    ("prompt", "shown"),
    [("naïve façade — “quoted”", 'naive facade - "quoted"'), ("роботы", ""), ("robot 🤖\x00 here", "robot here")],
)
def test_caption_has_the_words_that_its_font_can_write(prompt: str, shown: str) -> None:
    assert readable(prompt) == shown
