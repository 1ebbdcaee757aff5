"""All that an owner can have, tiny, in one folder, and the engine over it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from horde.worker.backends.alchemy.engine import AlchemyEngine, engine
from horde.worker.backends.alchemy.options import Tools
from horde.worker.backends.alchemy.post_processing import PostProcessing
from horde.worker.backends.base import Finding, FormOrder, Progress
from horde.worker.backends.torch_device import device_of
from tests.heavy.alchemy import tiny_networks, tiny_seers
from tests.heavy.conftest import DEVICE

Do = Callable[..., Finding]


@dataclass(frozen=True)
class Cabinet:
    """What the owner of this worker has."""

    folder: Path

    @property
    def tools(self) -> dict[str, object]:
        return {
            "models": str(self.folder / "networks"),
            "face_detector": str(self.folder / "yunet.onnx"),
            "tile_px": 64,
        }

    @property
    def options(self) -> dict[str, object]:
        return {
            "post_processing": self.tools,
            "caption": str(self.folder / "captioner"),
            "describe": str(self.folder / "describer"),
            "interrogation": str(self.folder / "clip"),
            "nsfw": str(self.folder / "finds_nothing"),
            "devices": [DEVICE],
        }


@pytest.fixture(scope="session")
def cabinet(tmp_path_factory: pytest.TempPathFactory) -> Cabinet:
    folder = tmp_path_factory.mktemp("cabinet")
    networks = folder / "networks"
    (networks / "RealESRGAN_x4plus").mkdir(parents=True)
    tiny_networks.save_upscaler(networks / "RealESRGAN_x4plus" / "weights.pth", scale=4)
    tiny_networks.save_upscaler(networks / "RealESRGAN_x2plus.safetensors", scale=4, is_unshuffled=True)
    tiny_networks.save_quick_upscaler(networks / "4x-AnimeSharp.pth")
    tiny_networks.save_face_fixer(networks / "RestoreFormer.safetensors")
    tiny_networks.save_background(networks / "u2net.onnx")
    tiny_networks.save_face_detector(folder / "yunet.onnx")
    tiny_seers.save_captioner(folder / "captioner")
    tiny_seers.save_describer(folder / "describer")
    tiny_seers.save_clip(folder / "clip")
    tiny_seers.save_classifier(folder / "finds_nothing", labels=("normal", "nsfw"), finds=0)
    tiny_seers.save_classifier(folder / "finds_all", labels=("normal", "nsfw"), finds=1)
    tiny_seers.save_classifier(folder / "knows_animals", labels=("cat", "dog"), finds=0)
    return Cabinet(folder)


@pytest.fixture(scope="session")
def tools(cabinet: Cabinet) -> PostProcessing:
    made = PostProcessing(msgspec.convert(cabinet.tools, Tools), device=device_of(DEVICE))
    made.load()
    return made


@pytest.fixture(scope="session")
def alchemist(cabinet: Cabinet) -> AlchemyEngine:
    made = engine(device=DEVICE, options=cabinet.options)
    made.load()
    return made


@pytest.fixture
def do(alchemist: AlchemyEngine) -> Do:
    """Does a form for a picture."""

    def do(form: str, picture: Image.Image, report: Callable[[Progress], None] = lambda _progress: None) -> Finding:
        (finding,) = alchemist.generate(order_of(form, picture), report)
        return finding

    return do


def order_of(form: str, picture: Image.Image) -> FormOrder:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return FormOrder(form=form, picture=buffer.getvalue(), payload={})


def opened(finding: Finding) -> Image.Image:
    assert finding.picture is not None
    picture = Image.open(io.BytesIO(finding.picture))
    assert picture.format == "WEBP"
    return picture


def noise(width: int, height: int, seed: int = 1) -> Image.Image:
    """A picture in which no part is like another, the same for the same seed."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))
