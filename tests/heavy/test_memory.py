"""Ways to do with less memory: the pictures are the same, and so is everything that may be added to them."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import SlicedAttnProcessor

from horde.worker.backends.base import Progress
from horde.worker.backends.diffusers.engine import DiffusersEngine, engine
from tests.heavy.conftest import DEVICE, Laid, Make, order_of
from tests.heavy.pixels import array_of, source

ON_A_CARD = DEVICE.startswith("cuda") or (DEVICE == "auto" and torch.cuda.is_available())
CARD = "cuda" if DEVICE == "auto" else DEVICE
MEMORY = [
    # For the library that moves the parts this is another device than the one where they wait.
    pytest.param("offload", CARD if ON_A_CARD else "cpu:0", id="offload"),
    pytest.param(
        "sequential",
        CARD,
        id="sequential",
        marks=pytest.mark.skipif(not ON_A_CARD, reason="layers can only be moved to a card"),
    ),
]
WAYS: list[tuple[str, Mapping[str, object]]] = [
    # Plain ones first: what these leave behind must not be in the way of the others.
    ("sd", {}),
    ("sdxl", {}),
    ("flux", {}),
    ("sd", {"loras": [{"name": "style"}]}),
    ("sd", {"tis": [{"name": "word", "inject_ti": "prompt"}], "clip_skip": 2}),
    ("sd", {"control_type": "canny", "sources": source()}),
    ("sdxl", {"prompt": "a (red:1.3) horse"}),
    ("sdxl", {"sources": source(), "denoising_strength": 0.6}),
    ("flux", {"loras": [{"name": "flux_style"}]}),
]


def silent(_progress: Progress) -> None:
    """For orders whose progress nobody looks at."""


@pytest.mark.parametrize(("memory", "device"), MEMORY)
def test_parts_moved_to_where_they_work_make_the_same_pictures(
    laid: Laid, make: Make, memory: str, device: str
) -> None:
    moving = engine(device=device, options={**laid.options, "memory": memory})
    moving.load()

    for model, payload in WAYS:
        (made,) = moving.generate(order_of(3, model=model, **payload), silent)  # type: ignore[arg-type]  # as `make` takes it
        assert made.metadata == (), payload
        assert np.abs(array_of(made) - array_of(make(3, model=model, **payload)[0])).mean() < 1, (model, payload)


@pytest.mark.skipif(not ON_A_CARD, reason="what is to be seen is how little is left on a card")
@pytest.mark.parametrize("memory", ["offload", "sequential"])
def test_nothing_stays_on_a_card_from_which_parts_are_moved(laid: Laid, memory: str) -> None:
    before = torch.cuda.memory_allocated()
    moving = engine(device=CARD, options={**laid.options, "memory": memory})
    moving.load()
    moving.generate(order_of(3), silent)

    assert {part.device.type for part in _networks(moving, "sd")} == {"cpu"}
    assert torch.cuda.memory_allocated() - before < 2**20


def test_sliced_attention_makes_the_same_pictures(laid: Laid, make: Make) -> None:
    slicing = engine(device=DEVICE, options={**laid.options, "attention_slicing": True})

    for model in ("sd", "sdxl", "flux"):
        (made,) = slicing.generate(order_of(3, model=model), silent)
        assert np.abs(array_of(made) - array_of(make(3, model=model)[0])).mean() < 1
    ways = slicing._models.get("sd").whole.unet.attn_processors.values()
    assert {type(way) for way in ways} == {SlicedAttnProcessor}


@pytest.mark.parametrize("model", ["sd", "sdxl", "flux"])
def test_picture_decoded_in_tiles_is_nearly_the_same(laid: Laid, make: Make, model: str) -> None:
    # The tiny models decode squares of 64 pixels in one go.
    in_tiles = engine(device=DEVICE, options={**laid.options, "vae_tiling": True})
    large, small = (
        in_tiles.generate(order_of(3, model=model, size=size), silent)[0] for size in ((192, 128), (64, 64))
    )
    whole = make(3, model=model, size=(192, 128))[0]

    assert 0 < np.abs(array_of(large) - array_of(whole)).mean() < 10
    assert small.picture == make(3, model=model)[0].picture


def test_pictures_to_be_laid_side_by_side_are_decoded_whole(laid: Laid, make: Make) -> None:
    in_tiles = engine(device=DEVICE, options={**laid.options, "vae_tiling": True})
    for tiling in (True, False):
        made = in_tiles.generate(order_of(3, size=(192, 128), tiling=tiling), silent)[0].picture
        assert (made == make(3, size=(192, 128), tiling=tiling)[0].picture) == tiling


def _networks(ready: DiffusersEngine, model: str) -> list[torch.nn.Module]:
    parts = ready._models.get(model).whole.components.values()
    return [part for part in parts if isinstance(part, torch.nn.Module)]
