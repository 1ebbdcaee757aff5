"""Progress of one order over all its passes, told after each step of the library."""

from __future__ import annotations

import diffusers
import torch

from horde.worker.backends.base import Progress, Report
from horde.worker.backends.diffusers.previews import Colours, preview


class Steps:
    """Counts the steps of an order. `passes` is how often a pipeline runs for it."""

    def __init__(self, report: Report, colours: Colours | None, *, passes: int) -> None:
        self._report = report
        self._colours = colours
        self._passes = passes
        self._passes_done = 0

    def end_pass(self) -> None:
        """The pipeline has run once more."""
        self._passes_done += 1

    def step(
        self, pipeline: diffusers.DiffusionPipeline, index: int, _timestep: object, made: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """What diffusers calls after each step; here an order that nobody wants any more ends."""
        share = (self._passes_done + (index + 1) / max(1, pipeline.num_timesteps)) / self._passes
        colours = self._colours
        shown = None if colours is None else preview(made["latents"][0], colours)
        self._report(Progress(share=min(1.0, share), preview=shown))
        return {}
