"""Post-processing: sizes, squares, faces, background, and files that cannot be used."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from horde.kinds.image_params import PostProcessor
from horde.worker.backends.alchemy.options import Tools
from horde.worker.backends.alchemy.post_processing import PostProcessing
from horde.worker.backends.base import BackendFailed, Progress
from horde.worker.child.engine import Stopped
from tests.heavy.alchemy.conftest import Cabinet, Do, noise, opened
from tests.heavy.alchemy.tiny_networks import save_face_fixer, save_upscaler
from tests.heavy.conftest import DEVICE

GREEN_CELL = (160, 160, 192, 192)
"""What the detector takes for a face; it reaches over the cells around."""


def with_face() -> Image.Image:
    picture = Image.new("RGB", (640, 384), "#404040")
    picture.paste("#00ff00", GREEN_CELL)
    return picture


def tools_over(cabinet: Cabinet, **changed: object) -> PostProcessing:
    made = PostProcessing(msgspec.convert({**cabinet.tools, **changed}, Tools), device="cpu")
    made.load()
    return made


def alpha(picture: Image.Image, x: int, y: int) -> int:
    return int(np.asarray(picture)[y, x, 3])


@pytest.mark.parametrize(("form", "factor"), [("RealESRGAN_x4plus", 4), ("RealESRGAN_x2plus", 2), ("4x_AnimeSharp", 4)])
@pytest.mark.parametrize("size", [(70, 41), (1, 1)], ids=["odd", "one pixel"])
def test_upscaler_enlarges_as_its_name_says(do: Do, form: str, factor: int, size: tuple[int, int]) -> None:
    finding = do(form, noise(*size))

    assert finding.form == form
    assert opened(finding).size == (size[0] * factor, size[1] * factor)


@pytest.mark.parametrize("name", ["RealESRGAN_x4plus", "RealESRGAN_x2plus", "4x_AnimeSharp"])
def test_picture_made_in_squares_is_the_one_made_at_once(cabinet: Cabinet, name: PostProcessor) -> None:
    # The networks see no further than the margin, so not one value may differ but for rounding.
    picture = noise(130, 100)

    squares = np.asarray(tools_over(cabinet, tile_px=64).improved(picture, [name]), np.int16)
    at_once = np.asarray(tools_over(cabinet, tile_px=512).improved(picture, [name]), np.int16)

    assert np.abs(squares - at_once).max() <= 1
    assert at_once.std() > 1


def test_transparency_is_enlarged_with_the_picture(tools: PostProcessing) -> None:
    picture = noise(40, 30).convert("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 20, 30))

    made = tools.improved(picture, ["RealESRGAN_x2plus"])

    assert (made.mode, made.size) == ("RGBA", (80, 60))
    assert alpha(made, 5, 30) == 0
    assert alpha(made, 75, 30) == 255


def test_result_that_no_webp_can_hold_is_refused_with_its_size(do: Do) -> None:
    with pytest.raises(BackendFailed, match="16400x4 would be longer than the 16383 pixels that a webp can have"):
        do("4x_AnimeSharp", noise(4100, 1))


def test_progress_is_told_square_by_square_and_an_unwanted_order_ends_there(do: Do) -> None:
    shares: list[float] = []
    do("4x_AnimeSharp", noise(130, 64), lambda progress: shares.append(progress.share))

    assert shares == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])

    def stop(progress: Progress) -> None:
        if progress.share > 0:
            raise Stopped

    with pytest.raises(Stopped):
        do("4x_AnimeSharp", noise(130, 64), stop)
    assert opened(do("4x_AnimeSharp", noise(8, 8))).size == (32, 32)


def test_face_fixer_paints_faces_and_nothing_else(tools: PostProcessing) -> None:
    picture = with_face()

    changed = np.asarray(tools.improved(picture, ["RestoreFormer"])) != np.asarray(picture)

    assert changed[GREEN_CELL[1] : GREEN_CELL[3], GREEN_CELL[0] : GREEN_CELL[2]].any()
    assert not changed[:, 500:].any()


def test_strength_says_how_far_a_face_is_changed(tools: PostProcessing) -> None:
    picture = with_face()

    def distance(strength: float) -> float:
        made = tools.improved(picture, ["RestoreFormer"], strength=strength)
        return float(np.abs(np.asarray(made, np.float32) - np.asarray(picture, np.float32)).sum())

    assert distance(0) == 0 < distance(0.5) < distance(1)


def test_picture_without_faces_stays_as_it_is(tools: PostProcessing) -> None:
    picture = Image.new("RGBA", (90, 70), (9, 8, 7, 6))

    assert tools.improved(picture, ["RestoreFormer"]) == picture


def test_background_becomes_transparent_and_what_stands_before_it_does_not(do: Do) -> None:
    picture = Image.new("RGB", (200, 100), "blue")
    picture.paste("red", (50, 25, 150, 75))

    made = opened(do("strip_background", picture))

    assert (made.mode, made.size) == ("RGBA", (200, 100))
    assert alpha(made, 100, 50) == 255
    assert alpha(made, 10, 10) == 0


def test_picture_of_one_colour_is_stripped_without_a_fault(do: Do) -> None:
    assert opened(do("strip_background", Image.new("RGB", (30, 20), "red"))).size == (30, 20)


def test_several_post_processors_work_in_their_order(tools: PostProcessing) -> None:
    shares: list[float] = []

    made = tools.improved(noise(20, 10), ["strip_background", "RealESRGAN_x2plus"], told=shares.append)

    assert (made.mode, made.size) == ("RGBA", (40, 20))
    assert shares == [0.5, 1, 1]


def test_what_is_not_here_is_refused_before_anything_is_done(tools: PostProcessing) -> None:
    shares: list[float] = []

    with pytest.raises(BackendFailed, match="there is no GFPGAN here; there are 4x_AnimeSharp, RealESRGAN_x2plus"):
        tools.improved(noise(8, 8), ["4x_AnimeSharp", "GFPGAN"], told=shares.append)
    assert not shares


class RunsCode:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("ran",)


def test_files_that_run_code_when_they_are_read_do_not(
    cabinet: Cabinet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("NMKD_Siax.pth").write_bytes(pickle.dumps({"params": RunsCode()}))

    with pytest.raises(BackendFailed, match="NMKD_Siax cannot be loaded from"):
        tools_over(cabinet, models=str(tmp_path))
    assert not Path("ran").exists()


def test_files_that_are_not_what_they_are_called_are_refused(cabinet: Cabinet, tmp_path: Path) -> None:
    save_upscaler(tmp_path / "RealESRGAN_x4plus.pth", scale=2)
    save_face_fixer(tmp_path / "GFPGAN.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0no json!")
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    background = str(cabinet.folder / "networks" / "u2net.onnx")

    cases: list[tuple[dict[str, str], dict[str, object], str]] = [
        ({"RealESRGAN_x4plus": "RealESRGAN_x4plus.pth"}, {}, r"upscales 2 times, and RealESRGAN_x4plus 4 times"),
        ({"GFPGAN": "GFPGAN.safetensors"}, {"face_detector": None}, "GFPGAN needs a face detector.*hint: set face_det"),
        ({"GFPGAN": "GFPGAN.safetensors"}, {"face_detector": "/nowhere"}, "face detector '/nowhere' is not there"),
        ({"GFPGAN": "GFPGAN.safetensors"}, {"face_detector": background}, "u2net.onnx' cannot be used"),
        ({"4xLSDIRplus": "broken.safetensors"}, {}, "4xLSDIRplus cannot be loaded from '.*broken.safetensors'"),
        ({"strip_background": "broken.onnx"}, {}, "strip_background cannot use '.*broken.onnx' as u2net"),
        ({"strip_background": "GFPGAN.safetensors"}, {}, "strip_background cannot be 'GFPGAN.safetensors'"),
        ({"4xLSDIRplus": "broken.onnx"}, {}, "4xLSDIRplus cannot be 'broken.onnx'"),
    ]
    for models, more, reason in cases:
        places = {name: str(tmp_path / file) for name, file in models.items()}
        with pytest.raises(BackendFailed, match=reason):
            tools_over(cabinet, models=places, **more)


@pytest.mark.skipif(DEVICE != "auto", reason="what stays loaded is the same on every device")
def test_networks_that_made_room_are_loaded_again(cabinet: Cabinet) -> None:
    tools = tools_over(cabinet, models_in_memory=1)
    names: list[PostProcessor] = ["RealESRGAN_x2plus", "4x_AnimeSharp", "RealESRGAN_x2plus"]

    first, _, again = (tools.improved(noise(9, 9), [name]) for name in names)

    assert first == again


THREADS = """
import sys, msgspec, torch
from horde.worker.backends.alchemy.options import Tools
from horde.worker.backends.alchemy.post_processing import PostProcessing
before = torch.get_num_threads()
PostProcessing(msgspec.convert({"models": {"strip_background": sys.argv[1]}}, Tools), device="cpu").load()
print(torch.get_num_threads() - before)
"""


def test_loading_leaves_the_number_of_threads_alone_so_that_pictures_drawn_later_are_the_same(cabinet: Cabinet) -> None:
    background = str(cabinet.folder / "networks" / "u2net.onnx")

    one_thread = {**os.environ, "OMP_NUM_THREADS": "1"}
    more = subprocess.check_output([sys.executable, "-c", THREADS, background], env=one_thread, text=True)
    assert int(more) == 0
