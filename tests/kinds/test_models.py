"""What the name of a model tells."""

import pytest

from horde.kinds.models import are_all_for_inpainting, is_any_large, traits


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
