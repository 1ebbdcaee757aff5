"""A back end that takes the same time for every picture, and writes down when it began and ended each."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.pictures import pictures
from horde.worker.backends.base import ImageAbilities, ImageOrder, Picture, Progress, Report

MODEL = "stable_diffusion"


class Steady:
    """Sleeps as a GPU computes: its process has nothing to do meanwhile."""

    def __init__(self, log: str, seconds: float) -> None:
        self._log = Path(log)
        self._seconds = seconds
        self._picture = base64.b64decode(pictures()[0])

    @property
    def abilities(self) -> ImageAbilities:
        """One picture at a time."""
        return ImageAbilities(models=(MODEL,), pixels_max=1024 * 1024)

    async def start(self) -> None:
        """Nothing has to be loaded."""

    async def ready(self) -> None:
        """It always is."""

    async def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """The same picture for each seed."""
        begun = time.monotonic()
        await asyncio.sleep(self._seconds / 2)
        report(Progress(share=0.5))
        await asyncio.sleep(self._seconds / 2)
        with self._log.open("a") as log:
            log.write(f"{begun} {time.monotonic()}\n")
        return [Picture(picture=self._picture, seed=seed) for seed in order.seeds]

    async def close(self) -> None:
        """Nothing was opened."""
