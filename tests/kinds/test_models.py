"""What the name of a model tells."""

import pytest

from horde.kinds.models import are_all_for_inpainting, baseline_of, billions_of, is_any_large, traits


@pytest.mark.parametrize(
    ("models", "told"),
    [
        ([], set()),
        (["stable_diffusion", "Deliberate"], set()),
        (["stable_diffusion", "Deliberate Inpainting"], {"inpainting"}),
        (["SDXL 1.0"], {"sdxl"}),
        (["AlbedoBase XL (SDXL)", "My own [Flux]"], {"sdxl", "flux"}),
        (["Flux.1-Schnell fp8 (Compact)"], {"flux"}),
        (["Stable Cascade 1.0"], {"stable_cascade"}),
        (["horde_special::portraits#7"], {"special"}),
        (["SDXL_beta::stability.ai#6901"], {"sdxl", "retired_beta"}),
        (["fl", "ux"], set()),
    ],
)
def test_traits_are_those_of_any_of_the_models(models: list[str], told: set[str]) -> None:
    assert traits(models) == told


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([], False),
        (["stable_diffusion"], False),
        (["stable_diffusion", "stable_diffusion_inpainting"], False),
        (["Epic Diffusion Inpainting", "stable_diffusion_inpainting"], True),
    ],
)
def test_models_are_for_inpainting_alone_when_all_are(models: list[str], expected: bool) -> None:
    assert are_all_for_inpainting(models) is expected


@pytest.mark.parametrize(
    ("model", "baseline"),
    [
        ("stable_diffusion", "stable diffusion 1"),
        ("Deliberate", "stable diffusion 1"),
        ("", "stable diffusion 1"),
        ("maxlevel", "stable diffusion 1"),
        ("stable_diffusion_2.1", "stable diffusion 2"),
        ("Stable Diffusion 2 Depth", "stable diffusion 2"),
        ("SDXL 1.0", "stable_diffusion_xl"),
        ("AlbedoBase XL (SDXL)", "stable_diffusion_xl"),
        ("Juggernaut XL", "stable_diffusion_xl"),
        ("My own [SDXL]", "stable_diffusion_xl"),
        ("Stable Cascade 1.0", "stable_cascade"),
        ("Flux.1-Schnell fp8 (Compact)", "flux_1"),
        ("My own [Flux]", "flux_1"),
        ("Qwen", "qwen_image"),
        ("My own [Qwen]", "qwen_image"),
        ("Z-Image", "z_image_turbo"),
        ("z_image_turbo", "z_image_turbo"),
        ("My own [ZModel]", "z_image_turbo"),
        ("My own [ZImage]", "z_image_turbo"),
    ],
)
def test_baseline_is_what_the_name_tells(model: str, baseline: str) -> None:
    assert baseline_of(model) == baseline


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ("koboldcpp/L3-8B-Stheno-v3.2", 8),
        ("aphrodite/Meta-Llama-3.1-70B-Instruct", 70),
        ("x-70b-v2-Q4_K_M.gguf", 70),
        ("Qwen2.5-0.5B", 0.5),
        ("Qwen3-30B-A3B", 30),
        ("llama2_7b_chat.Q4_K_M", 7),
        ("facebook/opt-350m", 0.35),
        ("koboldcpp/Mixtral-8x7B-Instruct-v0.1", pytest.approx(44.8)),
        ("mixtral-8x22b", pytest.approx(140.8)),
        ("pygmalion-6b::somebody#7", 6),
        ("mystery::13b#7", None),
        ("mystery", None),
        ("mystery-4bit-128k-v1.5", None),
        ("big-9999b", None),
        ("nothing-0b", None),
        ("", None),
    ],
)
def test_size_of_a_text_model_is_what_the_name_tells(model: str, billions: float | None) -> None:
    assert billions_of(model) == billions


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([], False),
        (["stable_diffusion", "SDXL 1.0", "Stable Cascade 1.0"], False),
        (["Zimt", "Modelz"], False),
        (["stable_diffusion", "Flux.1-Schnell fp8 (Compact)"], True),
        (["Qwen-Image_fp8"], True),
        (["Z-Image-Turbo"], True),
        (["My own [ZModel]"], True),
        (["My own [ZImage]"], True),
    ],
)
def test_models_of_the_slow_families_are_large(models: list[str], expected: bool) -> None:
    assert is_any_large(models) is expected
