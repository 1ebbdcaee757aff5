"""Orders in the words of the web UI. That it takes them is seen in the conformance suite, by recordings of Forge."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from horde.kinds.image_params import Sampler
from horde.worker.backends.a1111 import runs_of
from horde.worker.backends.a1111_request import SAMPLERS, Call, Stock, call_of
from horde.worker.backends.base import AddOn, BackendFailed, ImageOrder
from horde.worker.backends.lending import Lent
from tests.worker.backends.programs.scenes import image_order

NEW = Stock(
    samplers=frozenset(SAMPLERS.values()),
    schedules=frozenset({"automatic", "karras"}),
    loras={"pixel art": "Pixel Art"},
    embeddings={"easynegative": "EasyNegative"},
)
OLD = Stock(samplers=frozenset({"Euler a", "DPM++ 2M", "DPM++ 2M Karras"}))
"""Before version 1.9, when the schedule was part of a sampler's name."""


INK = AddOn("lora", "70", is_version=True, path="ink", sha256="1" * 64, triggers=("inked", "pen"))
LENT = Lent(
    loras={("70", True): "horde-1", ("pixel art", False): "horde-2"},
    embeddings={"A word (v2)": "horde-3", "EasyNegative": "horde-4"},
)


def call(order: ImageOrder, stock: Stock = NEW, lent: Lent | None = None) -> Call:
    return call_of(order, order.seeds, "deliberate.safetensors [9aba26abdf]", stock, lent or Lent())


@pytest.mark.parametrize(
    ("stock", "sampler", "karras", "said"),
    [
        pytest.param(NEW, "k_dpmpp_2m", True, {"sampler_name": "DPM++ 2M", "scheduler": "Karras"}, id="new-karras"),
        pytest.param(NEW, "k_dpmpp_2m", False, {"sampler_name": "DPM++ 2M", "scheduler": "Automatic"}, id="new"),
        pytest.param(OLD, "k_dpmpp_2m", True, {"sampler_name": "DPM++ 2M Karras"}, id="old-karras"),
        pytest.param(OLD, "k_dpmpp_2m", False, {"sampler_name": "DPM++ 2M"}, id="old"),
        pytest.param(OLD, "k_euler_a", True, {"sampler_name": "Euler a"}, id="old-without-karras"),
        pytest.param(OLD, "lcm", False, {"sampler_name": "Euler a"}, id="old-lacks-it"),
    ],
)
def test_sampler_and_schedule_are_said_as_this_version_does(
    stock: Stock, sampler: str, karras: bool, said: dict[str, str]
) -> None:
    body = call(image_order("m", sampler_name=sampler, karras=karras), stock).body

    assert {name: body[name] for name in ("sampler_name", "scheduler") if name in body} == said


def test_every_sampler_of_the_horde_has_a_name_there() -> None:
    assert set(SAMPLERS) == set(get_args(Sampler))


def test_settings_of_the_owner_are_given_back_and_no_files_are_left() -> None:
    body = call(image_order("m", clip_skip=2)).body

    assert body["override_settings"] == {
        "sd_model_checkpoint": "deliberate.safetensors [9aba26abdf]", "CLIP_stop_at_last_layers": 2,
    }  # fmt: skip
    assert body["override_settings_restore_afterwards"] is True
    assert body["save_images"] is False


def test_hires_fix_names_the_small_size_and_the_large_one() -> None:
    body = call(image_order("m", size=(1024, 1024), hires_fix=True)).body

    assert (body["width"], body["height"], body["hr_resize_x"], body["hr_resize_y"]) == (512, 512, 1024, 1024)


def test_loras_and_inversions_are_words_of_the_prompt_and_missing_ones_are_told() -> None:
    made = call(
        image_order(
            "m",
            loras=[{"name": "pixel ART", "model": 0.5}, {"name": "nowhere"}],
            tis=[{"name": "easynegative", "inject_ti": "negprompt"}, {"name": "neither"}],
        )
    )

    assert made.body["prompt"] == "a horde of stable robots <lora:Pixel Art:te=1.0:unet=0.5>"
    assert made.body["negative_prompt"] == "ugly, (EasyNegative:1.0)"
    assert [(remark.type, remark.ref) for remark in made.metadata] == [("lora", "nowhere"), ("ti", "neither")]


def test_lent_lora_is_said_by_its_version_and_the_owners_wins_by_its_name() -> None:
    loras = [
        {"name": "70", "is_version": True, "model": 0.5, "clip": 0.25, "inject_trigger": "any"},
        {"name": "pixel art", "inject_trigger": "pixels"},
        {"name": "70"},
    ]
    made = call(replace(image_order("m", loras=loras), add_ons=(INK,)), lent=LENT)

    assert made.body["prompt"] == (
        "a horde of stable robots, inked, pixels <lora:horde-1:te=0.25:unet=0.5> <lora:Pixel Art:te=1.0:unet=1.0>"
    )
    assert [(remark.value, remark.ref) for remark in made.metadata] == [("download_failed", "70")]


def test_lent_textual_inversion_is_said_by_its_bare_name_also_where_the_requestor_wrote_it() -> None:
    order = image_order("m", tis=[{"name": "A word (v2)", "inject_ti": "prompt"}, {"name": "EasyNegative"}])
    order = replace(order, negative_prompt="(embedding:a word (V2):1.2), embedding:EasyNegative")
    made = call(order, lent=LENT)

    assert made.body["prompt"] == "a horde of stable robots, (horde-3:1.0)"
    assert made.body["negative_prompt"] == "(horde-3:1.2), embedding:EasyNegative"
    assert made.metadata == ()


def test_controlnet_is_refused_since_it_needs_an_extension() -> None:
    with pytest.raises(BackendFailed, match="no ControlNet without an extension, and canny is asked"):
        call(image_order("m", control_type="canny"))


@pytest.mark.parametrize(
    ("seeds", "runs"),
    [((5,), [[5]]), ((5, 6, 7), [[5, 6, 7]]), ((2**32 - 1, 0), [[2**32 - 1], [0]]), ((9, 4, 5), [[9], [4, 5]])],
)
def test_only_seeds_that_follow_each_other_are_made_in_one_go(seeds: tuple[int, ...], runs: list[list[int]]) -> None:
    assert runs_of(seeds) == runs
