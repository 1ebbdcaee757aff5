"""The back end `tiny`: orders of the horde become pictures, and what cannot be read is said in words."""

import asyncio
import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from horde.worker.backends.base import BackendFailed, ImageOrder, Progress, Sources
from horde.worker.backends.tiny.backend import Tiny, wish_of


def webp(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def order(
    sources: Sources | None = None, *, seeds: tuple[int, ...] = (1,), steps: int = 2, **payload: object
) -> ImageOrder:
    return ImageOrder(
        model="tiny-horde", prompt="a red circle on a blue background", negative_prompt="green", width=64, height=64,
        steps=steps, seeds=seeds, payload=payload, sources=sources,
    )  # fmt: skip


def source(processing: str, picture: Image.Image, mask: Image.Image | None = None) -> Sources:
    return Sources(processing=processing, picture=webp(picture), mask=None if mask is None else webp(mask))


HELD = """
import asyncio, psutil
from horde.worker.backends.base import ImageOrder
from horde.worker.backends.tiny.backend import Tiny

async def main():
    backend = Tiny()
    await backend.start()
    order = ImageOrder(model="tiny-horde", prompt="a robot", negative_prompt="", width=512, height=512, steps=3,
                       seeds=(1, 2), payload={})
    await backend.generate(order, lambda _: None)

asyncio.run(main())
print(psutil.Process().memory_info().rss)
"""
MEMORY_MAX = 300 * 1000**2
"""Bytes: what we promise for the whole process that draws."""


def test_back_end_needs_less_memory_than_promised() -> None:
    done = subprocess.run([sys.executable, "-c", HELD], capture_output=True, text=True, check=True)

    assert int(done.stdout) < MEMORY_MAX


def test_parameters_of_the_horde_reach_the_pipeline() -> None:
    wish = wish_of(order(sampler_name="k_heun", cfg_scale=7.5, karras=False), 9)

    assert (wish.sampler, wish.guidance, wish.karras, wish.steps, wish.seed) == ("k_heun", 7.5, False, 2, 9)
    assert (wish.prompt, wish.negative_prompt) == ("a red circle on a blue background", "green")
    assert (wish.source, wish.mask) == (None, None)


@pytest.mark.parametrize(("asked", "strength"), [(None, 0.75), (0.3, 0.3)])
def test_source_changes_by_three_quarters_unless_said_otherwise(asked: float | None, strength: float) -> None:
    wish = wish_of(order(source("img2img", Image.new("RGB", (8, 8))), denoising_strength=asked), 1)

    assert (wish.strength, wish.mask) == (strength, None)


def test_mask_comes_along_and_what_it_covers_changes_wholly() -> None:
    mask = Image.new("RGB", (8, 8), "white")

    wish = wish_of(order(source("inpainting", Image.new("RGB", (8, 8)), mask)), 1)

    assert wish.strength == 1.0
    assert wish.mask is not None
    assert wish.mask.getextrema() == (255, 255)


def test_without_a_mask_the_transparent_parts_are_painted() -> None:
    picture = Image.new("RGBA", (8, 8), (10, 20, 30, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 4, 8))

    wish = wish_of(order(source("outpainting", picture)), 1)

    assert wish.mask is not None
    assert np.asarray(wish.mask)[0].tolist() == [255] * 4 + [0] * 4


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        (Sources(processing="img2img", picture=b"no picture", mask=None), "the source picture cannot be read"),
        (Sources(processing="img2img", picture=webp(Image.new("RGB", (64, 64)))[:-9], mask=None), "cannot be read"),
        (
            Sources(processing="inpainting", picture=webp(Image.new("RGB", (8, 8))), mask=b""),
            "the mask cannot be read",
        ),
    ],
    ids=["no picture", "cut off", "no mask"],
)
async def test_source_that_is_no_picture_is_refused_in_words(sources: Sources, words: str) -> None:
    backend = Tiny()
    await backend.start()

    with pytest.raises(BackendFailed, match=words):
        await backend.generate(order(sources), lambda _: None)


async def test_progress_and_previews_come_while_pictures_are_made() -> None:
    backend = Tiny()
    await backend.start()
    seen: list[Progress] = []

    await backend.generate(order(seeds=(1, 2), steps=2), seen.append)

    assert [progress.share for progress in seen] == [0.25, 0.5, 0.75, 1.0]
    assert seen[0].preview is not None
    with Image.open(io.BytesIO(seen[0].preview)) as preview:
        assert (preview.format, preview.size) == ("WEBP", (64, 64))


async def test_order_that_is_called_off_ends_its_thread() -> None:
    backend = Tiny()
    await backend.start()
    begun = asyncio.Event()
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        begun.set()

    task = asyncio.create_task(backend.generate(order(steps=500), report))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    seen_before = len(seen)
    # As long as this takes, a thread that went on would make about as many steps, and tell of them.
    await backend.generate(order(steps=100), lambda _: None)

    assert len(seen) <= seen_before + 1
