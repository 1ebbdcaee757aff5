"""Post-processing: what makes another picture of a picture. For forms of alchemy, and for back ends that draw."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from PIL import Image

from horde.kinds.image_params import UPSCALERS, PostProcessor
from horde.worker.backends.alchemy.faces import FaceDetector, mended
from horde.worker.backends.alchemy.networks import Networks
from horde.worker.backends.alchemy.options import Tools
from horde.worker.backends.alchemy.shelf import found
from horde.worker.backends.alchemy.upscaling import Told, upscaled
from horde.worker.backends.base import BackendFailed
from horde.worker.backends.torch_device import threads_kept

if TYPE_CHECKING:
    from horde.worker.backends.alchemy.background import Background

STRIP: Final = "strip_background"
TRIAL: Final = Image.new("RGB", (64, 64))
ONNX = ".onnx"
"""What the background's network is written in, and the others are not."""


class Step(Protocol):
    """One post-processor, ready."""

    def __call__(self, picture: Image.Image, *, told: Told) -> Image.Image:
        """What it makes of the picture."""
        ...


def untold(_share: float) -> None:
    """Nobody waits for it."""


class PostProcessing:
    """The post-processors that the owner has files for."""

    def __init__(self, tools: Tools, *, device: str) -> None:
        """Find the files. `device` is torch's name of it. Raises BackendFailed for those that cannot be used."""
        self._tools = tools
        self._device = device
        self._files = found(tools.models) if tools.models else {}
        self._networks = Networks(self._files, in_memory_max=tools.models_in_memory, device=device)
        self._detector: FaceDetector | None = None
        self._background: Background | None = None

    @property
    def names(self) -> tuple[PostProcessor, ...]:
        """Those that there are."""
        return tuple(self._files)

    def load(self) -> None:
        """Load each once and try it, so that what is wrong comes up at the start and not with the first job."""
        for name, file in self._files.items():
            _check_format(name, file)
            if name == STRIP:
                self._background = _background(file, self._tools, device=self._device)
            elif name in UPSCALERS:
                # A device may take weights that it cannot calculate with.
                upscaled(TRIAL, self._networks.get(name), tile_px=self._tools.tile_px, told=untold)
            else:
                self._networks.get(name)
                self._detector = self._detector or _detector(name, self._tools)

    def expect(self, names: Sequence[PostProcessor]) -> None:
        """Raise BackendFailed if one of them is not here."""
        for name in names:
            if name not in self._files:
                raise BackendFailed(f"there is no {name} here; there are {', '.join(self._files) or 'none'}")

    def improved(
        self, picture: Image.Image, names: Sequence[PostProcessor], *, strength: float = 1.0, told: Told = untold
    ) -> Image.Image:
        """The picture after these post-processors, in their order.

        `strength` is that of face fixers, from 0 to 1; `told` hears the share that is done, and may raise to end it.
        Raises BackendFailed for one that is not here, before anything is done, and OutOfMemory.
        """
        self.expect(names)
        for number, name in enumerate(names):
            picture = self._step(name, strength)(picture, told=partial(_told_in_all, told, number, len(names)))
            told((number + 1) / len(names))
        return picture

    def _step(self, name: PostProcessor, strength: float) -> Step:
        if name == STRIP:
            return self._stripped
        network = self._networks.get(name)
        if name in UPSCALERS:
            return partial(upscaled, network=network, tile_px=self._tools.tile_px)
        assert self._detector is not None, "loaded together with the face fixers"
        return partial(mended, network=network, detector=self._detector, strength=strength)

    def _stripped(self, picture: Image.Image, *, told: Told) -> Image.Image:
        assert self._background is not None, "loaded before"
        return self._background.stripped(picture)


def _told_in_all(told: Told, number: int, count: int, share: float) -> None:
    told((number + share) / count)


def _check_format(name: PostProcessor, file: Path) -> None:
    if (name == STRIP) != (file.suffix == ONNX):
        raise BackendFailed(f"{name} cannot be {file.name!r}: {STRIP} is an {ONNX} file, and nothing else is")


def _background(file: Path, tools: Tools, *, device: str) -> Background:
    with threads_kept():
        # Heavy, and it sets threads (by pymatting and numba); most owners have no use for it.
        from horde.worker.backends.alchemy.background import Background
    return Background(file, tools.background, device=device)


def _detector(name: PostProcessor, tools: Tools) -> FaceDetector:
    if tools.face_detector is None:
        raise BackendFailed(
            f"{name} needs a face detector, since it would spoil all that is no face;"
            " hint: set face_detector to a YuNet, or take the file out of the folder"
        )
    return FaceDetector(tools.face_detector)
