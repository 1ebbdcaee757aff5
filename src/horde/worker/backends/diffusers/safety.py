"""Looks at finished pictures for those who do not want to see everything."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from PIL import Image
from transformers import CLIPImageProcessor

from horde.worker.backends.base import BackendFailed


class SafetyCheck:
    """The checker that Stable Diffusion came with, on pictures of any family."""

    def __init__(self, place: str, *, device: str, may_fetch: bool) -> None:
        """Load it. Raises BackendFailed when it cannot be."""
        try:
            self._network = StableDiffusionSafetyChecker.from_pretrained(place, local_files_only=not may_fetch)
            self._eye = CLIPImageProcessor.from_pretrained(place, local_files_only=not may_fetch)
        except (OSError, ValueError) as error:
            raise BackendFailed(f"the safety checker at {place!r} cannot be loaded: {error}") from error
        self._network.to(device).eval()
        self._device = device

    def unsafe(self, pictures: Sequence[Image.Image]) -> list[bool]:
        """For each picture, whether it is to be kept from those who do not want to see everything."""
        seen = self._eye([picture.convert("RGB") for picture in pictures], return_tensors="pt").to(self._device)
        # The network blackens what it finds in these; only its verdict is used.
        canvases = [np.zeros((1, 1, 3), np.float32) for _ in pictures]
        with torch.no_grad():
            _, verdicts = self._network(images=canvases, clip_input=seen.pixel_values)
        return [bool(verdict) for verdict in verdicts]
