"""Every family makes pictures from words, from a picture and into a hole: of the asked size, by the seed."""

import numpy as np
import pytest

from horde.worker.backends.base import Progress
from tests.heavy.conftest import Make
from tests.heavy.pixels import array_of, left_half, scene, size_of, source

FAMILIES = pytest.mark.parametrize("model", ["sd", "sdxl", "flux"])


@FAMILIES
@pytest.mark.parametrize("size", [(64, 64), (192, 128)])
def test_picture_from_words_has_the_asked_size_and_is_that_of_its_seed(
    make: Make, model: str, size: tuple[int, int]
) -> None:
    first, second = make(7, 8, model=model, size=size)

    assert (size_of(first), first.seed, size_of(second), second.seed) == (size, 7, size, 8)
    assert first.state == "ok"
    assert first.picture != second.picture
    assert make(7, 8, model=model, size=size)[0].picture == first.picture
    # In a batch the same sums are done in another order.
    assert np.abs(array_of(make(7, model=model, size=size)[0]) - array_of(first)).mean() < 1


@FAMILIES
def test_words_and_guidance_matter(make: Make, model: str) -> None:
    pictures = [make(model=model), make(model=model, prompt="blue"), make(model=model, cfg_scale=12.0)]

    assert len({made[0].picture for made in pictures}) == 3


@FAMILIES
def test_picture_from_a_picture_depends_on_it_and_on_the_strength(make: Make, model: str) -> None:
    sources, other = source(), source(picture=scene((96, 64)).rotate(180))
    weak, strong = (make(3, 4, model=model, sources=sources, denoising_strength=by) for by in (0.3, 0.9))

    assert [size_of(picture) for picture in (*weak, *strong)] == [(64, 64)] * 4
    assert weak[0].picture != strong[0].picture
    assert make(3, 4, model=model, sources=other, denoising_strength=0.3)[0].picture != weak[0].picture
    assert make(3, 4, model=model, sources=sources, denoising_strength=0.3)[0].picture == weak[0].picture


@FAMILIES
@pytest.mark.parametrize("strength", [0.01, 1.0])
def test_least_and_greatest_strength_are_taken(make: Make, model: str, strength: float) -> None:
    (picture,) = make(model=model, sources=source(), denoising_strength=strength, steps=1)

    assert size_of(picture) == (64, 64)


@FAMILIES
def test_hole_is_painted_and_the_rest_kept(make: Make, model: str) -> None:
    sources = source("inpainting", mask=left_half())
    first, second = (array_of(make(seed, model=model, sources=sources, steps=4)[0]) for seed in (1, 2))

    change = np.abs(first - second)
    # A network's rest that looks at the whole picture still mixes a little of one side into the other.
    assert change[:, :24].mean() > 2 * change[:, 40:].mean()


@FAMILIES
def test_several_pictures_fill_the_same_hole(make: Make, model: str) -> None:
    first, second = make(1, 2, model=model, sources=source("inpainting", mask=left_half()))

    assert (size_of(first), size_of(second)) == ((64, 64), (64, 64))
    assert first.picture != second.picture


def test_transparency_is_the_hole_where_there_is_no_mask(make: Make) -> None:
    picture = scene()
    picture.putalpha(left_half().point(lambda value: 255 - value))
    transparent = source("outpainting", picture=picture)

    assert make(sources=transparent)[0].picture == make(sources=source("inpainting", mask=left_half()))[0].picture


@FAMILIES
@pytest.mark.parametrize("begun", ["words", "picture"])
def test_progress_rises_step_by_step_to_the_whole(make: Make, model: str, begun: str) -> None:
    progress: list[Progress] = []
    sources = source() if begun == "picture" else None
    make(model=model, steps=4, sources=sources, denoising_strength=0.5, report=progress.append)

    assert [told.share for told in progress] == ([0.25, 0.5, 0.75, 1.0] if begun == "words" else [0.5, 1.0])
    assert all((told.preview is None) == (model == "flux") for told in progress)
