"""Graphs hold what was ordered. That ComfyUI takes them is seen in the conformance suite, by recordings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest

from horde.kinds.image_params import ControlType, Sampler
from horde.worker.backends.base import AddOn, ImageOrder
from horde.worker.backends.comfyui.build import Built, Plan, Uploaded, built
from horde.worker.backends.comfyui.samplers import SAMPLERS
from horde.worker.backends.comfyui.stock import CONTROLS, Stock
from horde.worker.backends.image_details import details_of
from horde.worker.backends.lending import Lent
from tests.worker.backends.programs.scenes import image_order

STOCK = Stock(
    checkpoints=("deliberate.safetensors",),
    loras={"pixel art": "style/Pixel Art.safetensors"},
    embeddings=frozenset({"easynegative"}),
    controlnets={"canny": "control_canny.pth"},
    preprocessors={"canny": "Canny"},
)


INK = AddOn("lora", "70", is_version=True, path="ink", sha256="1" * 64, triggers=("inked", "pen"))
LENT = Lent(
    loras={("70", True): "horde-1.safetensors", ("Pixel Art", False): "horde-2.safetensors"},
    embeddings={"A word (v2)": "horde-3", "EasyNegative": "horde-4"},
)


def graph_of(order: ImageOrder, uploaded: Uploaded | None = None, lent: Lent | None = None) -> Built:
    plan = Plan(
        order=order,
        details=details_of(order),
        checkpoint="deliberate.safetensors",
        stock=STOCK,
        uploaded=uploaded or Uploaded(),
        lent=lent or Lent(),
    )
    return built(plan, 5)


def inputs(made: Built, kind: str) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = list(made.graph.nodes.values())
    return [node["inputs"] for node in nodes if node["class_type"] == kind]


def test_words_and_numbers_of_the_order_reach_the_nodes() -> None:
    made = graph_of(image_order("m", size=(128, 64), cfg_scale=6.5, sampler_name="k_dpmpp_2m", karras=True))

    assert [texts["text"] for texts in inputs(made, "CLIPTextEncode")] == ["a horde of stable robots", "ugly"]
    assert inputs(made, "EmptyLatentImage") == [{"width": 128, "height": 64, "batch_size": 1}]
    (sampled,) = inputs(made, "KSampler")
    asked = {name: value for name, value in sampled.items() if not isinstance(value, list)}
    assert asked == {
        "seed": 5, "steps": 2, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0,
    }  # fmt: skip


def test_every_link_leads_to_a_node() -> None:
    made = graph_of(
        image_order("m", size=(1024, 1024), hires_fix=True, clip_skip=2, loras=[{"name": "pixel art"}], karras=False)
    )

    for node in made.graph.nodes.values():
        assert isinstance(node["inputs"], dict)
        links = [value for value in node["inputs"].values() if isinstance(value, list)]
        assert all(number in made.graph.nodes for number, _ in links)


def test_hires_fix_makes_a_small_picture_and_enlarges_it() -> None:
    made = graph_of(image_order("m", size=(1024, 512 * 3), hires_fix=True, hires_fix_denoising_strength=0.4))

    assert inputs(made, "EmptyLatentImage") == [{"width": 512, "height": 768, "batch_size": 1}]
    assert [(larger["width"], larger["height"]) for larger in inputs(made, "LatentUpscale")] == [(1024, 1536)]
    assert [sampled["denoise"] for sampled in inputs(made, "KSampler")] == [1.0, 0.4]


def test_hires_fix_leaves_a_picture_to_begin_with_as_large_as_it_is() -> None:
    made = graph_of(image_order("m", size=(1024, 1024), hires_fix=True), Uploaded(picture="p"))

    assert inputs(made, "LatentUpscale") == []
    assert len(inputs(made, "KSampler")) == 1


def test_lora_is_found_whatever_its_letters_and_a_missing_one_is_told() -> None:
    loras = [{"name": "Pixel ART", "model": 0.5, "clip": 0.25}, {"name": "12345", "is_version": True}]
    made = graph_of(image_order("m", loras=loras))

    (loaded,) = inputs(made, "LoraLoader")
    assert (loaded["lora_name"], loaded["strength_model"], loaded["strength_clip"]) == (
        "style/Pixel Art.safetensors", 0.5, 0.25,
    )  # fmt: skip
    assert [(remark.type, remark.value, remark.ref) for remark in made.metadata] == [
        ("lora", "download_failed", "12345")
    ]


def test_textual_inversion_goes_into_the_prompt_that_it_is_for() -> None:
    made = graph_of(image_order("m", tis=[{"name": "EasyNegative", "inject_ti": "negprompt", "strength": 0.8}]))

    assert inputs(made, "CLIPTextEncode")[1]["text"] == "ugly, (embedding:EasyNegative:0.8)"


def test_lent_lora_is_loaded_by_its_version_and_the_owners_wins_by_its_name() -> None:
    loras = [
        {"name": "70", "is_version": True, "model": 0.5, "clip": 0.25},
        {"name": "70"},
        {"name": "Pixel Art"},
    ]
    made = graph_of(image_order("m", loras=loras), lent=LENT)

    assert [(loaded["lora_name"], loaded["strength_model"]) for loaded in inputs(made, "LoraLoader")] == [
        ("horde-1.safetensors", 0.5), ("style/Pixel Art.safetensors", 1.0),
    ]  # fmt: skip
    assert [(remark.value, remark.ref) for remark in made.metadata] == [("download_failed", "70")]


def test_words_that_wake_loras_go_into_the_prompt() -> None:
    loras = [
        {"name": "70", "is_version": True, "inject_trigger": "any"},
        {"name": "Pixel Art", "inject_trigger": "pixels"},
    ]
    made = graph_of(replace(image_order("m", loras=loras), add_ons=(INK,)), lent=LENT)

    assert inputs(made, "CLIPTextEncode")[0]["text"] == "a horde of stable robots, inked, pixels"


def test_lent_textual_inversion_is_said_by_comfys_name_also_where_the_requestor_wrote_it() -> None:
    order = image_order("m", tis=[{"name": "A word (v2)", "inject_ti": "prompt"}, {"name": "EasyNegative"}])
    order = replace(order, negative_prompt="(embedding:a word (V2):1.2), embedding:EasyNegative")
    made = graph_of(order, lent=LENT)

    assert [texts["text"] for texts in inputs(made, "CLIPTextEncode")] == [
        "a horde of stable robots, (embedding:horde-3:1.0)",
        "(embedding:horde-3:1.2), embedding:EasyNegative",
    ]
    assert made.metadata == ()


def test_what_no_node_does_is_told_with_the_picture() -> None:
    made = graph_of(image_order("m", tiling=True, transparent=True, post_processing=["GFPGAN"]))

    assert [remark.ref for remark in made.metadata] == [
        "made without tiling", "made without transparency", "made without post-processing",
    ]  # fmt: skip


@pytest.mark.parametrize("sampler", get_args(Sampler))
def test_every_sampler_of_the_horde_has_a_name_there(sampler: Sampler) -> None:
    (sampled,) = inputs(graph_of(image_order("m", sampler_name=sampler)), "KSampler")

    assert sampled["sampler_name"] == SAMPLERS[sampler]


def test_every_control_type_of_the_horde_is_known() -> None:
    assert set(CONTROLS) == set(get_args(ControlType))
