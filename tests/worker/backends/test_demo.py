"""The demo: the same order gives the same picture, another one another, at every size."""

import io

import pytest
from PIL import Image

from horde.worker.backends.base import ImageOrder
from horde.worker.backends.demo import made


def order(prompt: str = "a stable", *, size: tuple[int, int] = (128, 128), steps: int = 30) -> ImageOrder:
    return ImageOrder(
        model="demo",
        prompt=prompt,
        negative_prompt="",
        width=size[0],
        height=size[1],
        steps=steps,
        seeds=(1,),
        payload={},
    )


def test_same_order_and_seed_give_the_same_bytes() -> None:
    assert made(order(), 1) == made(order(), 1)


@pytest.mark.parametrize(
    "other", [made(order("two robots"), 1), made(order(), 2), made(order(steps=1), 1)], ids=["words", "seed", "steps"]
)
def test_other_words_seed_or_steps_give_another_picture(other: bytes) -> None:
    assert other != made(order(), 1)


@pytest.mark.parametrize("size", [(64, 64), (64, 3072), (3072, 3072)])
def test_every_size_is_made(size: tuple[int, int]) -> None:
    with Image.open(io.BytesIO(made(order(size=size), 1))) as image:
        assert (image.format, image.size) == ("WEBP", size)
