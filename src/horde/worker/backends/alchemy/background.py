"""The form `strip_background`: what stands in front, on nothing."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Final, Literal

import onnxruntime
import rembg
from PIL import Image
from rembg.sessions.dis_custom import DisCustomSession
from rembg.sessions.u2net_custom import U2netCustomSession

from horde.worker.backends.base import BackendFailed

PROVIDERS = {"cuda": "CUDAExecutionProvider"}
"""Where onnxruntime can calculate beside the processor, by torch's name of the device."""


class _U2net(U2netCustomSession):
    """rembg takes files of its own folder only; the owner's may lie anywhere."""

    @classmethod
    def download_models(cls, *_args: object, model_path: str, **_options: object) -> str:
        return model_path


class _Dis(DisCustomSession):
    """Likewise."""

    download_models = _U2net.download_models


FAMILIES: Final = {"u2net": _U2net, "dis": _Dis}


class Background:
    """Tells what is in front, by a network of the owner's."""

    def __init__(self, file: Path, family: Literal["u2net", "dis"], *, device: str) -> None:
        """Load it. Raises BackendFailed when it cannot be."""
        wanted = PROVIDERS.get(device.partition(":")[0])
        there = wanted in onnxruntime.get_available_providers()
        providers = [wanted, "CPUExecutionProvider"] if wanted and there else ["CPUExecutionProvider"]
        try:
            self._session = FAMILIES[family](
                family, onnxruntime.SessionOptions(), model_path=str(file), providers=providers
            )
            self.stripped(Image.new("RGB", (8, 8)))
        except Exception as error:
            raise BackendFailed(f"strip_background cannot use {str(file)!r} as {family}: {error}") from error

    def stripped(self, picture: Image.Image) -> Image.Image:
        """The picture, "RGBA", transparent where there is background; what was transparent stays so."""
        with warnings.catch_warnings():
            # Where nothing stands out from anything else, rembg divides zero by zero.
            warnings.simplefilter("ignore", RuntimeWarning)
            made = rembg.remove(picture, session=self._session)
        assert isinstance(made, Image.Image), "of a picture it makes a picture"
        return made.convert("RGBA")
