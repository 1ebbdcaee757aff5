"""Draws the pictures of one order with a model: what is put into the library's pipelines, and in which passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import ceil
from typing import TypeAlias

import diffusers
import torch
from PIL import Image

from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import AddOnKind, ImageOrder, Report
from horde.worker.backends.diffusers import hires
from horde.worker.backends.diffusers.embeddings import learnt
from horde.worker.backends.diffusers.loras import changed
from horde.worker.backends.diffusers.models import Beginning, Model, Models
from horde.worker.backends.diffusers.pictures import decoded, hole
from horde.worker.backends.diffusers.samplers import scheduler
from horde.worker.backends.diffusers.steps import Steps
from horde.worker.backends.diffusers.tiling import tiled
from horde.worker.backends.diffusers.wishes import Wishes
from horde.worker.backends.torch_device import free_memory
from horde.worker.backends.triggers import triggers

Pictures: TypeAlias = list[Image.Image]
STRENGTH = 0.75
"""How much of a source picture is drawn anew, when the requestor does not say (hordes and web UIs take the same)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One run of a pipeline."""

    size: tuple[int, int]
    pictures: tuple[Image.Image, ...] = ()
    """To begin from: one for all seeds, or one each; none: from noise."""
    mask: Image.Image | None = None
    strength: float = 1.0
    control: Image.Image | None = None

    @property
    def beginning(self) -> Beginning:
        """Which pipeline it needs."""
        if not self.pictures:
            return "from_text"
        return "from_picture" if self.mask is None else "from_hole"


class Drawing:
    """Draws with one model."""

    def __init__(self, models: Models, model: Model, loras: Mapping[str, str], embeddings: Mapping[str, str]) -> None:
        self._models = models
        self._model = model
        self._loras = loras
        self._embeddings = embeddings

    def draw(
        self,
        order: ImageOrder,
        wishes: Wishes,
        report: Report,
        *,
        control: Image.Image | None,
        controlnet: diffusers.ControlNetModel | None,
    ) -> tuple[Pictures, list[GenMetadata]]:
        """The pictures of an order, with what there is to tell of them."""
        family = self._model.family
        whole = self._model.whole
        first, second_strength = self._passes(order, wishes, control)
        steps = Steps(report, family.colours, passes=1 if second_strength is None else 2)
        with ExitStack() as stack:
            known = stack.enter_context(learnt(whole, wishes.tis, _places(order, "ti", self._embeddings)))
            told = stack.enter_context(changed(whole, wishes.loras, _places(order, "lora", self._loras)))
            if wishes.tiling:
                stack.enter_context(tiled(*_networks(whole)))
            wake = triggers(wishes.loras, order.add_ons)
            prompt = known.renamed(", ".join(filter(None, [order.prompt, *wake, *known.prompt])))
            negative = known.renamed(", ".join(filter(None, [order.negative_prompt, *known.negative])))
            run = _Run(self._models, self._model, order, wishes, steps, prompt, negative, controlnet)
            made = run.made(first, order.seeds)
            if second_strength is not None:
                size = order.width, order.height
                larger = tuple(picture.resize(size, Image.Resampling.LANCZOS) for picture in made)
                mask = None if first.mask is None else first.mask.resize(size)
                control = None if control is None else control.resize(size)
                second = Pass(size=size, pictures=larger, mask=mask, strength=second_strength, control=control)
                made = run.made(second, order.seeds)
        return made, [*known.told, *told]

    def _passes(self, order: ImageOrder, wishes: Wishes, control: Image.Image | None) -> tuple[Pass, float | None]:
        """The first pass, and how much the second may change; None: there is no second."""
        size = order.width, order.height
        small = hires.first_size(*size, self._model.family.side_px) if wishes.hires_fix else None
        size = small or size
        first = Pass(size=size, control=None if control is None else control.resize(size))
        sources = order.sources
        # With a ControlNet the source is the map, or what it was drawn from, and is not begun from.
        if sources is not None and sources.picture is not None and control is None:
            strength = STRENGTH if wishes.denoising_strength is None else wishes.denoising_strength
            mask = hole(sources, size)
            if mask is not None and wishes.denoising_strength is None:
                strength = 1.0
            first = replace(first, pictures=(decoded(sources.picture, size),), mask=mask, strength=strength)
        return first, None if small is None else wishes.hires_fix_denoising_strength or hires.STRENGTH


@dataclass(frozen=True, slots=True)
class _Run:
    """What the passes of an order have in common."""

    models: Models
    model: Model
    order: ImageOrder
    wishes: Wishes
    steps: Steps
    prompt: str
    negative: str
    controlnet: diffusers.ControlNetModel | None

    def made(self, drawn: Pass, seeds: Sequence[int]) -> Pictures:
        """One picture for each seed: all at once, or one by one where there is no memory for that."""
        try:
            pictures = self._run(drawn, seeds)
        except torch.OutOfMemoryError:
            if len(seeds) == 1:
                raise
            pictures = []
        if not pictures:
            free_memory()
            for at, seed in enumerate(seeds):
                begun = drawn.pictures[at : at + 1] if len(drawn.pictures) > 1 else drawn.pictures
                pictures += self._run(replace(drawn, pictures=begun), [seed])
        self.steps.end_pass()
        return pictures

    def _run(self, drawn: Pass, seeds: Sequence[int]) -> Pictures:
        pipeline = self.model.pipeline(drawn.beginning, self.controlnet)
        if self.model.family.has_samplers:
            pipeline.scheduler = scheduler(
                self.model.scheduler_config, self.wishes.sampler_name, karras=self.wishes.karras
            )
        pipeline.set_progress_bar_config(disable=True)
        # Noise comes from the processor, so that a seed means the same picture on every card.
        noise = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        with self.models.placed(pipeline):
            made = pipeline(
                **self.model.family.say(pipeline, self.prompt, self.negative, self.wishes.clip_skip),
                **self._beginning(drawn, len(seeds)),
                generator=noise,
                guidance_scale=self.wishes.cfg_scale,
                callback_on_step_end=self.steps.step,
                output_type="pil",
            )
        pictures: Pictures = made.images
        return [picture if picture.size == drawn.size else picture.resize(drawn.size) for picture in pictures]

    def _beginning(self, drawn: Pass, count: int) -> dict[str, object]:
        width, height = drawn.size
        said: dict[str, object] = {"num_images_per_prompt": count, "width": width, "height": height}
        # At least one step must be left of those that a picture to begin from saves.
        said["num_inference_steps"] = max(self.order.steps, ceil(1 / drawn.strength))
        if drawn.pictures:
            said |= {"image": list(drawn.pictures) if count > 1 else drawn.pictures[0], "strength": drawn.strength}
        if drawn.mask is not None:
            said["mask_image"] = drawn.mask
        if drawn.control is not None:
            said["control_image" if drawn.pictures else "image"] = drawn.control
            said["controlnet_conditioning_scale"] = (
                1.0 if self.wishes.denoising_strength is None else self.wishes.denoising_strength
            )
        return said


def _networks(pipeline: diffusers.DiffusionPipeline) -> list[torch.nn.Module]:
    parts: Mapping[str, object] = pipeline.components
    return [part for name, part in parts.items() if name in ("unet", "vae") and isinstance(part, torch.nn.Module)]


def _places(order: ImageOrder, kind: AddOnKind, own: Mapping[str, str]) -> dict[str, str]:
    fetched = {add_on.name: add_on.path for add_on in order.add_ons if add_on.kind == kind}
    return {name.lower(): path for name, path in {**fetched, **own}.items()}
