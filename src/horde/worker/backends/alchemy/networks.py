"""Loads the networks of upscalers and face fixers, and keeps those in memory that were used last."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import spandrel
import torch
from safetensors import SafetensorError

from horde.kinds.image_params import UPSCALERS, PostProcessor
from horde.worker.backends.base import BackendFailed
from horde.worker.backends.torch_device import free_memory

MORE_ARCHITECTURES: Final = "spandrel_extra_arches"
"""CodeFormer among them. Its licence forbids commercial use, so it is the owner's to install and not our extra's."""
SIGNED: Final[Mapping[str, Mapping[str, object]]] = {"GFPGAN": {"return_rgb": False}, "CodeFormer": {"adain": True}}
"""Architectures that were trained on colours from -1 to 1, which spandrel 0.4.2 hands them from 0 to 1 and cuts at 0;
with what their makers call them with."""
UNREADABLE: Final = (
    spandrel.UnsupportedModelError,
    SafetensorError,
    pickle.PickleError,
    EOFError,
    KeyError,
    OSError,
    RuntimeError,
    ValueError,
)
"""What a broken file raises, in either format."""
COLOURS = 3
Pixels = npt.NDArray[np.uint8]
"""(H, W, 3), RGB."""


class Network:
    """A network that makes pictures of pictures."""

    def __init__(self, described: spandrel.ImageModelDescriptor, device: str) -> None:
        is_half = device.startswith("cuda") and described.supports_half
        self._described = described.to(device, torch.float16 if is_half else torch.float32).eval()

    @property
    def scale(self) -> int:
        """How many times wider and higher what it makes is."""
        scale: int = self._described.scale
        return scale

    def __call__(self, pixels: Pixels) -> Pixels:
        """What it makes of these pixels, all at once."""
        network = self._described
        values = torch.from_numpy(pixels.copy()).to(network.device).to(network.dtype)
        made = self._made(values.permute(2, 0, 1)[None] / 255)
        result: Pixels = (made[0].permute(1, 2, 0).float() * 255).round().to(torch.uint8).cpu().numpy()
        return result

    @torch.inference_mode()
    def _made(self, values: torch.Tensor) -> torch.Tensor:
        network = self._described
        words = SIGNED.get(network.architecture.id)
        if words is None:
            return network(values)
        return (network.model(values * 2 - 1, **words)[0] / 2 + 0.5).clamp(0, 1)


class Networks:
    """The networks that are offered, by the names of post-processors."""

    def __init__(self, files: Mapping[PostProcessor, Path], *, in_memory_max: int, device: str) -> None:
        self._files = files
        self._in_memory_max = in_memory_max
        self._device = device
        self._loaded: OrderedDict[PostProcessor, Network] = OrderedDict()
        if find_spec(MORE_ARCHITECTURES) is not None:
            import_module(MORE_ARCHITECTURES).install(ignore_duplicates=True)

    def get(self, name: PostProcessor) -> Network:
        """The network of this name, loaded if it is not. Raises BackendFailed if it cannot be, or is another."""
        if name not in self._loaded:
            while len(self._loaded) >= self._in_memory_max:
                self._loaded.popitem(last=False)
                free_memory()
            self._loaded[name] = Network(_described(name, self._files[name]), self._device)
        self._loaded.move_to_end(name)
        return self._loaded[name]


def _described(name: PostProcessor, file: Path) -> spandrel.ImageModelDescriptor:
    try:
        described = spandrel.ModelLoader("cpu").load_from_file(file)
    except UNREADABLE as error:
        raise BackendFailed(f"{name} cannot be loaded from {str(file)!r}: {_reason(error)}") from error
    if not isinstance(described, spandrel.ImageModelDescriptor) or not _takes_colours(described):
        raise BackendFailed(f"{str(file)!r} makes no picture in colour of one, so it is not {name}")
    if name in UPSCALERS and described.scale != scale_of(name):
        raise BackendFailed(f"{str(file)!r} upscales {described.scale} times, and {name} {scale_of(name)} times")
    return described


def scale_of(upscaler: PostProcessor) -> int:
    """How many times wider and higher the pictures of an upscaler are, as its name says; NMKD_Siax says nothing."""
    return 2 if upscaler.startswith("2x") or upscaler.endswith("x2plus") else 4


def _takes_colours(described: spandrel.ImageModelDescriptor) -> bool:
    return (described.input_channels, described.output_channels) == (COLOURS, COLOURS)


def _reason(error: Exception) -> str:
    if isinstance(error, spandrel.UnsupportedModelError):
        return f"it is of no architecture that spandrel {spandrel.__version__} knows"
    return f"{type(error).__name__}: {error}"
