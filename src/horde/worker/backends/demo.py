"""The back end `demo`: plain pictures at once, without any model, for tests of the wire, of faults and of speed."""

from __future__ import annotations

import asyncio
import io
import random
from collections.abc import Sequence

from PIL import Image

from horde.worker.backends.base import ImageAbilities, ImageOrder, Picture, Progress, Report

PIXELS_MAX = 3072 * 3072
IMAGES_MAX = 4
WEBP_QUALITY = 95


class Demo:
    """Makes pictures of one colour, the same one for the same words, seed, size and steps.

    Besides its own model `demo` it offers `stable_diffusion`, the model that v2 takes when a requestor names none.
    """

    @property
    def abilities(self) -> ImageAbilities:
        """It takes no picture to begin with and improves none."""
        return ImageAbilities(models=("demo", "stable_diffusion"), pixels_max=PIXELS_MAX, images_max=IMAGES_MAX)

    async def start(self) -> None:
        """Nothing has to be loaded."""

    async def ready(self) -> None:
        """It always is."""

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """Make the pictures one after the other, in a thread: a large one takes a moment to encode."""
        pictures = []
        for seed in order.seeds:
            pictures.append(Picture(picture=await asyncio.to_thread(made, order, seed), seed=seed))
            report(Progress(share=len(pictures) / len(order.seeds)))
        return pictures

    async def close(self) -> None:
        """Nothing was opened."""


def made(order: ImageOrder, seed: int) -> bytes:
    """One picture of an order, as webp."""
    lot = random.Random(f"{order.prompt} {seed} {order.steps}")  # noqa: S311 - a colour, not a secret
    colour = (lot.randrange(256), lot.randrange(256), lot.randrange(256))
    buffer = io.BytesIO()
    Image.new("RGB", (order.width, order.height), colour).save(buffer, "WEBP", quality=WEBP_QUALITY)
    return buffer.getvalue()
