"""What every back end promises. Those that need a model or a card are not asked here."""

import asyncio
import io
from typing import cast

import pytest
from PIL import Image

from horde.worker.backends import BACKENDS, UnknownBackend, load
from horde.worker.backends.base import ImageBackend, ImageOrder, Progress

ORDER = ImageOrder(
    model="demo", prompt="a stable", negative_prompt="", width=192, height=128, steps=5, seeds=(7, 8), payload={}
)


def silent(_: Progress) -> None:
    """Nobody listens."""


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> ImageBackend:
    return cast("ImageBackend", load(request.param))


async def test_back_end_makes_one_webp_of_the_right_size_for_each_seed(backend: ImageBackend) -> None:
    await backend.start()
    results = await backend.generate(ORDER, silent)
    await backend.close()

    assert [result.seed for result in results] == [7, 8]
    for result in results:
        with Image.open(io.BytesIO(result.picture)) as image:
            assert (image.format, image.size) == ("WEBP", (192, 128))


async def test_back_end_offers_models_and_bounds_that_a_pop_may_name(backend: ImageBackend) -> None:
    await backend.start()
    abilities = backend.abilities
    await backend.close()

    assert abilities.models
    assert all(3 <= len(model) <= 255 for model in abilities.models)
    assert abilities.pixels_max >= 64 * 64
    assert 1 <= abilities.images_max <= 20


async def test_back_end_leaves_the_event_loop_alone(backend: ImageBackend) -> None:
    await backend.start()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await backend.generate(ORDER, silent)
    counting.cancel()
    await backend.close()

    assert turns > 10


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nope", "there is no back end 'nope'"),
        ("nowhere:Backend", "No module named 'nowhere'"),
        ("horde.worker.backends.demo:Nothing", "has no attribute 'Nothing'"),
    ],
)
def test_unknown_back_end_is_refused_with_those_that_there_are(name: str, words: str) -> None:
    with pytest.raises(UnknownBackend, match=f"{words}.*; known are demo"):
        load(name)


def test_back_end_of_ones_own_is_found_by_its_place() -> None:
    assert load("horde.worker.backends.demo:Demo").abilities == load("demo").abilities
