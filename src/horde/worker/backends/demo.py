"""The demo back end: draws pictures without any model, so that a horde can be tried on any machine."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence

from horde.worker.backends.base import ImageAbilities, ImageOrder, Picture, Progress, Report
from horde.worker.backends.demo_picture.picture import draw
from horde.worker.backends.demo_picture.scene import scene_of

WEBP_QUALITY = 95
PIXELS_MAX = 3072 * 3072
IMAGES_MAX = 4


class Demo:
    """Draws a stable and its robots, the same ones for the same words, seed, size and steps.

    Besides its own model `demo` it offers `stable_diffusion`, the model that v2 takes when a requestor names none:
    otherwise the clients that people already have would wait for ever on a horde that only draws.
    """

    @property
    def abilities(self) -> ImageAbilities:
        """It draws; it takes no picture to begin with and improves none."""
        return ImageAbilities(models=("demo", "stable_diffusion"), pixels_max=PIXELS_MAX, images_max=IMAGES_MAX)

    async def start(self) -> None:
        """Nothing has to be loaded."""

    async def ready(self) -> None:
        """It always is."""

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """Draw the pictures one after the other, in a thread.

        Pillow lets go of the interpreter in its long calls, so the loop is held up for 25 ms at the worst (measured
        at 3072x3072). A process would take longer to start than most pictures take to draw, and could outlive a
        worker that is killed.
        """
        pictures = []
        for seed in order.seeds:
            pictures.append(Picture(picture=await asyncio.to_thread(drawn, order, seed), seed=seed))
            report(Progress(share=len(pictures) / len(order.seeds)))
        return pictures

    async def close(self) -> None:
        """Nothing was opened."""


def drawn(order: ImageOrder, seed: int) -> bytes:
    """One picture of an order, as webp."""
    picture = draw(scene_of(order.prompt, seed=seed, steps=order.steps), order.prompt, order.width, order.height)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=WEBP_QUALITY)
    return buffer.getvalue()
