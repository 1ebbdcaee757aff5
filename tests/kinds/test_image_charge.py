"""What an image is worth by its model, and what its requestor pays: contract/kudos.md, sections 2.2, 4, 5.1 and 8."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from horde.kinds.base import Draft
from horde.kinds.image import KIND, ImageParams
from horde.kinds.image_charge import charge_terms, estimate, tax, worth
from horde.kinds.image_price import base
from horde.units import Kudos, kudos
from tests.kinds.any_draft import any_draft
from tests.kinds.observed_prices import basis

PLAIN = Draft(kind="image", prompt="a red fox", params=ImageParams())
SDXL, CASCADE = "AlbedoBase XL (SDXL)", "Stable Cascade 1.0"


@pytest.mark.parametrize(
    ("model", "features", "multiplier"),
    [
        ("stable_diffusion", (), 1),
        ("Stable Diffusion 2 Depth", (), 1),
        ("stable_diffusion", ("qr_code", "hires_fix"), 1),
        (SDXL, (), 2),
        (SDXL, ("hires_fix", "lora"), 2),
        (SDXL, ("qr_code",), 4),
        (CASCADE, (), 4),
        (CASCADE, ("qr_code",), 4),
        (CASCADE, ("hires_fix",), 7),
        ("Flux.1-Schnell fp8 (Compact)", ("hires_fix", "qr_code"), 8),
        ("Z-Image Turbo", (), 8),
        ("Qwen-Image_fp8", (), 12),
    ],
)
def test_worth_follows_the_model(model: str, features: tuple[str, ...], multiplier: int) -> None:
    assert worth(kudos(11), model, features) == kudos(11 * multiplier)


def test_worth_reads_the_features_that_a_draft_needs() -> None:
    needed = KIND.needs(replace(PLAIN, params=ImageParams(hires_fix=True, workflow="qr_code"))).features

    assert worth(kudos(1), SDXL, needed) == kudos(4)
    assert worth(kudos(1), CASCADE, needed) == kudos(7)


@pytest.mark.parametrize(
    ("changes", "processors", "charge"),
    [
        ({}, [], 11),  # 10 + 1
        ({"source_processing": "img2img"}, [], 14),
        ({"source_processing": "inpainting"}, [], 14),
        ({}, ["GFPGAN", "CodeFormers", "strip_background", "GFPGANv1.3", "RestoreFormer"], 11),
        ({}, ["RealESRGAN_x4plus"], 11.5),
        ({}, ["2xModernSpanimationV1", "GFPGAN"], 11.5),
        ({"slow_workers": False}, [], 13.2),
        ({"worker_blacklist": True}, [], 12.1),
        ({"slow_workers": False, "worker_blacklist": True}, [], 14.52),
        ({"trusted_workers": True, "extra_slow_workers": True, "workers": ("x",)}, [], 11),
        # (10 x 1.3 x 1.05 + 1) x 1.2 x 1.1 = 19.338
        ({"source_processing": "img2img", "slow_workers": False, "worker_blacklist": True}, ["NMKD_Siax"], 19.34),
    ],
)
def test_charge_adds_what_the_requestor_wants_besides(
    changes: dict[str, Any], processors: list[Any], charge: float
) -> None:
    draft = replace(PLAIN, params=ImageParams(post_processing=processors), **changes)

    assert charge_terms(draft).of(kudos(10)) == kudos(charge)


@pytest.mark.parametrize(("changes", "charge"), [({}, 1), ({"slow_workers": False, "worker_blacklist": True}, 1.32)])
def test_censored_job_is_charged_without_its_worth(changes: dict[str, Any], charge: float) -> None:
    assert charge_terms(replace(PLAIN, **changes)).of(Kudos(0)) == kudos(charge)


@pytest.mark.parametrize(("extra", "is_foreign", "due"), [(0, False, 1), (5, False, 26), (0, True, 3), (1, True, 8)])
def test_tax_counts_extra_pictures_and_styles_of_others(extra: int, is_foreign: bool, due: float) -> None:
    assert tax(replace(PLAIN, extra_sources=extra), has_foreign_style=is_foreign) == kudos(due)


# ------------------------------------------------------------------------------------------------ estimate
@pytest.mark.parametrize(
    ("models", "multiplier"),
    [
        (("stable_diffusion",), 1),
        ((), 2),
        ((SDXL, "stable_diffusion"), 2),
        (("stable_diffusion", SDXL), 1),
        (("Qwen",), 12),
    ],
)
def test_estimate_takes_the_first_model_or_sdxl(models: tuple[str, ...], multiplier: int) -> None:
    assert estimate(replace(basis(), models=models, n=3)) == kudos((11 + 1) * 3 * multiplier + 1)


@pytest.mark.parametrize(
    ("model", "params", "multiplier"), [(SDXL, {"workflow": "qr_code"}, 4), (CASCADE, {"hires_fix": True}, 7)]
)
def test_estimate_knows_the_dearer_features(model: str, params: dict[str, Any], multiplier: int) -> None:
    draft = replace(basis(**params), models=(model,))

    assert estimate(draft) == (base(draft) + kudos(1)) * multiplier + kudos(1)


def test_worked_example_of_the_contract() -> None:
    params = ImageParams(width=1024, height=1024, steps=30, sampler_name="k_euler_a", cfg_scale=7.5)
    draft = replace(PLAIN, params=params, models=("SDXL 1.0",), n=2)

    price = base(draft)
    reward = worth(price, "SDXL 1.0", KIND.needs(draft).features)
    charge = charge_terms(draft).of(reward)

    assert abs(price - kudos(20.57)) <= kudos(0.35)  # the reference's own price
    assert reward == 2 * price
    assert charge == reward + kudos(1)
    assert 2 * charge + tax(draft) == 2 * reward + kudos(3)
    assert estimate(draft) == (price + kudos(1)) * 2 * 2 + kudos(1)
    assert estimate(draft) == 2 * charge + tax(draft) + kudos(2)


@given(draft=any_draft(KIND))
def test_charges_are_told_to_the_hundredth(draft: Draft[ImageParams]) -> None:
    assert charge_terms(draft).of(base(draft)) % 10 == 0
