"""The price of an image lies close to what the public horde takes, and never falls as the work grows."""

from dataclasses import replace
from statistics import median
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.kinds.base import Draft
from horde.kinds.image import KIND, ImageParams, PostProcessor
from horde.kinds.image_price import PASSES, POST_PROCESSING, base
from horde.units import kudos, kudos_on_the_wire
from tests.kinds.any_draft import any_draft
from tests.kinds.observed_prices import UNTAKEN_SAMPLERS, Observed, basis, observed

DRAFTS = any_draft(KIND)
SIZES = st.integers(1, 48).map(lambda count: 64 * count)
STEPS = st.integers(1, 500)


def error(row: Observed) -> float:
    return kudos_on_the_wire(base(row.draft)) / row.price - 1


def changed(draft: Draft[ImageParams], **changes: Any) -> Draft[ImageParams]:
    return replace(draft, params=msgspec.structs.replace(draft.params, **changes))


# ---------------------------------------------------------------------------------- close to the reference
def test_prices_lie_close_to_those_observed(capsys: pytest.CaptureFixture[str]) -> None:
    rows = observed()
    errors = [abs(error(row)) for row in rows]
    worst = max(rows, key=lambda row: abs(error(row)))

    with capsys.disabled():
        print(  # noqa: T201 - the figures are what this test is for
            f"\n{len(rows)} observed prices: off by {median(errors):.1%} on the median row,"
            f" by {error(worst):+.1%} on the worst ({worst.what})"
        )

    assert len(rows) == 137
    assert median(errors) <= 0.06
    assert max(errors) <= 0.27


def test_prices_of_what_can_be_asked_for_lie_closer() -> None:
    rows = [row for row in observed() if row.draft.params.sampler_name not in UNTAKEN_SAMPLERS]

    assert max(abs(error(row)) for row in rows) <= 0.22


def test_basis_job_is_worth_eleven() -> None:
    assert base(basis()) == kudos(11)


# ------------------------------------------------------------------------------------------------ monotone
@given(draft=DRAFTS, sizes=st.lists(st.tuples(SIZES, SIZES), min_size=2, max_size=2))
def test_more_pixels_never_cost_less(draft: Draft[ImageParams], sizes: list[tuple[int, int]]) -> None:
    small, big = sorted(sizes, key=lambda size: size[0] * size[1])

    prices = [base(changed(draft, width=width, height=height)) for width, height in (small, big)]

    assert prices == sorted(prices)


@given(draft=DRAFTS, steps=st.lists(STEPS, min_size=2, max_size=2))
def test_more_steps_never_cost_less(draft: Draft[ImageParams], steps: list[int]) -> None:
    prices = [base(changed(draft, steps=count)) for count in sorted(steps)]

    assert prices == sorted(prices)


@given(draft=DRAFTS, added=st.sampled_from(sorted(POST_PROCESSING)))
def test_what_is_done_besides_never_makes_it_cheaper(draft: Draft[ImageParams], added: PostProcessor) -> None:
    processors = [name for name in draft.params.post_processing or () if name != added]
    plain = changed(draft, post_processing=processors, hires_fix=False)

    assert base(changed(plain, post_processing=[*processors, added])) >= base(plain)
    assert base(changed(plain, hires_fix=True)) > base(plain)


# ------------------------------------------------------------------------------------------------- details
def test_every_post_processor_has_a_price() -> None:
    assert POST_PROCESSING.keys() == set(PostProcessor.__args__)  # type: ignore[attr-defined]  # what Literal[...] lists


@pytest.mark.parametrize("sampler", ["k_euler_a", "DDIM", "dpmsolver", "lcm"])
def test_samplers_that_pass_once_cost_the_same(sampler: str) -> None:
    assert sampler not in PASSES
    assert base(basis(sampler_name=sampler)) == base(basis())


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({"loras": [], "tis": []}, 0),
        ({"loras": [{"name": "x"}]}, 3),
        ({"loras": [{"name": "x"}] * 5}, 15),
        ({"tis": [{"name": "x"}]}, 1),
        ({"tis": [{"name": "x"}] * 20}, 1),
        ({"loras": [{"name": "x"}] * 2, "tis": [{"name": "x"}]}, 7),
    ],
)
def test_loras_cost_three_each_and_inversions_one_for_all(changes: dict[str, Any], more: float) -> None:
    params = msgspec.convert({"sampler_name": "k_euler", "cfg_scale": 7.5, "steps": 50, **changes}, ImageParams)

    assert base(replace(basis(), params=params)) == kudos(11 + more)


def test_control_net_costs_what_the_worker_makes_of_it() -> None:
    asked = {steps: base(basis("img2img", control_type="canny", steps=steps)) for steps in (20, 40, 50, 500)}

    assert asked[20] < asked[40] == asked[50] == asked[500]


def test_control_net_starts_from_noise_whatever_the_strength() -> None:
    weak, strong = (basis("img2img", control_type="canny", denoising_strength=strength) for strength in (0.1, 1.0))

    assert base(weak) == base(strong)


@pytest.mark.parametrize("source", ["img2img", "inpainting", "outpainting"])
def test_mask_and_karras_cost_nothing(source: str) -> None:
    assert base(basis(source, has_mask=True, karras=False)) == base(basis(source))


def test_remix_costs_what_img2img_costs() -> None:
    assert base(basis("remix", denoising_strength=0.5)) == base(basis("img2img", denoising_strength=0.5))


def test_strength_counts_only_with_a_source() -> None:
    assert base(basis(denoising_strength=0.1)) == base(basis())
    assert base(basis("img2img")) == base(basis("img2img", denoising_strength=1.0))


@given(draft=DRAFTS)
def test_price_is_told_to_the_hundredth(draft: Draft[ImageParams]) -> None:
    assert base(draft) % 10 == 0
