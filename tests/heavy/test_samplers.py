"""Every sampler of the contract makes pictures, by a scheduler of its own, on Karras steps where there are any."""

from typing import get_args

import pytest

from horde.kinds.image_params import Sampler
from tests.heavy.conftest import Make
from tests.heavy.pixels import size_of

SAMPLERS = get_args(Sampler)
WITHOUT_KARRAS = {"DDIM", "lcm"}
ALIKE = {"k_dpm_fast", "k_dpm_adaptive"}
"""One solver stands for both."""


@pytest.mark.parametrize("model", ["sd", "sdxl"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_sampler_makes_a_picture_and_karras_another(make: Make, sampler: str, model: str) -> None:
    plain, karras = (make(5, model=model, steps=3, sampler_name=sampler, karras=wish)[0] for wish in (False, True))

    assert size_of(plain) == size_of(karras) == (64, 64)
    assert (plain.picture == karras.picture) == (sampler in WITHOUT_KARRAS)


def test_samplers_differ_from_each_other(make: Make) -> None:
    pictures = {make(5, steps=8, sampler_name=sampler)[0].picture for sampler in set(SAMPLERS) - ALIKE}

    assert len(pictures) == len(set(SAMPLERS) - ALIKE)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("steps", [1, 2])
def test_fewest_steps_are_taken(make: Make, sampler: str, steps: int) -> None:
    assert size_of(make(5, steps=steps, sampler_name=sampler)[0]) == (64, 64)


def test_sampler_is_the_same_whatever_was_used_before(make: Make) -> None:
    before = make(5, sampler_name="k_euler")[0].picture
    make(5, sampler_name="DDIM", karras=False)

    assert make(5, sampler_name="k_euler")[0].picture == before


def test_families_with_a_schedule_of_their_own_take_every_sampler_for_it(make: Make) -> None:
    assert len({make(5, model="flux", sampler_name=sampler)[0].picture for sampler in ("k_euler", "DDIM", "lcm")}) == 1
