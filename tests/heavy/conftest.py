"""Tiny models of every family in one folder, and the engine over them; the same on a card, where there is one."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from horde.worker.backends.base import ImageOrder, Picture, Progress, Sources
from horde.worker.backends.diffusers.engine import DiffusersEngine, engine
from tests.heavy import tiny_models as tiny

DEVICE = os.environ.get("HORDE_TEST_DEVICE", "auto")
LIBRARIES = "(accelerate|diffusers|numpy|peft|spandrel|torch|torchvision|transformers)"
"""Much that they do is deprecated by each other, which is not ours to mend."""
Make = Callable[..., Sequence[Picture]]


def pytest_configure(config: pytest.Config) -> None:
    for kind in ("DeprecationWarning", "FutureWarning", "UserWarning"):
        config.addinivalue_line("filterwarnings", rf"ignore::{kind}:{LIBRARIES}\..*")


@dataclass(frozen=True)
class Laid:
    """What the owner of this worker has."""

    folder: Path

    @property
    def options(self) -> dict[str, object]:
        controlnets = {kind: str(self.folder / "controlnet") for kind in ("canny", "scribble", "hough", "depth", "hed")}
        return {
            "models": str(self.folder / "models"),
            "loras": str(self.folder / "loras"),
            "embeddings": str(self.folder / "embeddings"),
            "controlnets": {**controlnets, "normal": str(self.folder / "controlnet")},
            "sdxl_controlnets": {"canny": str(self.folder / "controlnet_xl")},
            "depth_estimator": str(self.folder / "depth_estimator"),
            "safety_checker": str(self.folder / "finds_nothing"),
            "devices": [DEVICE],
            "precision": "float32",
            "models_in_memory": 3,
        }


@pytest.fixture(scope="session")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Laid:
    folder = tmp_path_factory.mktemp("laid")
    for name in ("models", "loras", "embeddings"):
        (folder / name).mkdir()
    tiny.save_sd(folder / "models" / "sd")
    tiny.save_sdxl(folder / "models" / "sdxl")
    tiny.save_flux(folder / "models" / "flux")
    tiny.save_controlnet(folder / "controlnet", is_xl=False)
    tiny.save_controlnet(folder / "controlnet_xl", is_xl=True)
    tiny.save_lora(folder / "loras" / "style.safetensors")
    tiny.save_flux_lora(folder / "loras" / "flux_style.safetensors")
    (folder / "loras" / "torn.safetensors").write_bytes(b"<html>")
    tiny.save_embedding(folder / "embeddings" / "A word (v2).safetensors")
    (folder / "embeddings" / "torn.safetensors").write_bytes(b"<html>")
    tiny.save_embedding(folder / "embeddings" / "word.safetensors")
    tiny.save_embedding(folder / "embeddings" / "wide.safetensors", width=48)
    tiny.save_xl_embedding(folder / "embeddings" / "xl_word.safetensors")
    tiny.save_safety_checker(folder / "finds_nothing", finds=False)
    tiny.save_safety_checker(folder / "finds_all", finds=True)
    tiny.save_depth_estimator(folder / "depth_estimator")
    return Laid(folder)


@pytest.fixture(scope="session")
def ready(laid: Laid) -> DiffusersEngine:
    made = engine(device=DEVICE, options=laid.options)
    made.load()
    return made


@pytest.fixture
def make(ready: DiffusersEngine) -> Make:
    """Makes pictures with the engine over everything that is laid; keywords are fields of the payload."""

    def make(
        *seeds: int,
        model: str = "sd",
        size: tuple[int, int] = (64, 64),
        sources: Sources | None = None,
        steps: int = 3,
        prompt: str = "a red horse",
        report: Callable[[Progress], None] = lambda _progress: None,
        **payload: object,
    ) -> Sequence[Picture]:
        order = order_of(*seeds, model=model, size=size, sources=sources, steps=steps, prompt=prompt, **payload)
        return ready.generate(order, report)

    return make


def order_of(
    *seeds: int,
    model: str = "sd",
    size: tuple[int, int] = (64, 64),
    sources: Sources | None = None,
    steps: int = 3,
    prompt: str = "a red horse",
    **payload: object,
) -> ImageOrder:
    return ImageOrder(
        model=model,
        prompt=prompt,
        negative_prompt="blurry",
        width=size[0],
        height=size[1],
        steps=steps,
        seeds=seeds or (1,),
        payload=payload,
        sources=sources,
    )
