"""Pictures of the diffusers back end that are improved once they are drawn."""

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from horde.worker.backends.base import BackendFailed, Picture, Progress
from horde.worker.backends.diffusers.engine import DiffusersEngine, engine
from tests.heavy.alchemy.tiny_networks import save_quick_upscaler
from tests.heavy.conftest import DEVICE, Laid, Make, order_of


@pytest.fixture(scope="module")
def improver(laid: Laid, tmp_path_factory: pytest.TempPathFactory) -> DiffusersEngine:
    folder = tmp_path_factory.mktemp("post_processors")
    save_quick_upscaler(folder / "4x_AnimeSharp.safetensors")
    options = {**laid.options, "safety_checker": str(laid.folder / "finds_all")}
    made = engine(device=DEVICE, options={**options, "post_processing": {"models": str(folder)}})
    assert made.load().post_processing
    return made


def sizes(pictures: Sequence[Picture]) -> list[tuple[int, int]]:
    return [Image.open(io.BytesIO(picture.picture)).size for picture in pictures]


def test_each_picture_of_an_order_is_improved(improver: DiffusersEngine) -> None:
    order = order_of(1, 2, post_processing=["4x_AnimeSharp"])

    assert sizes(improver.generate(order, lambda _progress: None)) == [(256, 256), (256, 256)]


def test_censored_picture_is_not(improver: DiffusersEngine) -> None:
    order = order_of(1, post_processing=["4x_AnimeSharp"], use_nsfw_censor=True)

    (picture,) = improver.generate(order, lambda _progress: None)

    assert picture.state == "censored"
    assert sizes([picture]) == [(64, 64)]


def test_post_processor_that_is_not_here_is_refused_before_anything_is_drawn(improver: DiffusersEngine) -> None:
    told: list[Progress] = []

    with pytest.raises(BackendFailed, match="there is no GFPGAN here; there are 4x_AnimeSharp"):
        improver.generate(order_of(post_processing=["4x_AnimeSharp", "GFPGAN"]), told.append)
    assert not told


def test_without_any_none_is_offered_and_an_order_for_one_is_refused(ready: DiffusersEngine, make: Make) -> None:
    assert not ready.load().post_processing
    with pytest.raises(BackendFailed, match="there is no post-processing here; hint: set the option post_processing"):
        make(post_processing=["GFPGAN"])


def test_post_processors_that_cannot_be_used_are_named_at_the_start(laid: Laid, tmp_path: Path) -> None:
    with pytest.raises(BackendFailed, match=r"no file in .* has the name of a post-processor"):
        engine(device="cpu", options={**laid.options, "post_processing": {"models": str(tmp_path)}})
