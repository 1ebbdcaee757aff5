"""Which images need kudos upfront, and how they are made smaller: contract/kudos.md, sections 5.2 and 5.3."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from horde.kinds.base import Draft
from horde.kinds.image import KIND, ImageParams
from horde.kinds.image_params import effective_steps
from horde.kinds.image_upfront import downgraded, heavy
from tests.kinds.any_draft import any_draft

IDLE: dict[str, Any] = {"threads": 10, "queued": 0}
BUSY: dict[str, Any] = {"threads": 0, "queued": 1000}
LOADS = st.fixed_dictionaries({"threads": st.integers(0, 2000), "queued": st.integers(0, 20_000)})
SDXL, SD2 = "SDXL 1.0", "stable_diffusion_2.1"


def asked(models: tuple[str, ...] = ("stable_diffusion",), *, source: Any = None, **params: Any) -> Draft[ImageParams]:
    made = msgspec.convert(params, ImageParams)
    return Draft(kind="image", prompt="a red fox", params=made, models=models, source_processing=source)


@pytest.mark.parametrize(
    ("light", "a_bit_more"),
    [
        ({"steps": 40}, {"steps": 41}),
        ({"steps": 20, "sampler_name": "k_heun"}, {"steps": 21, "sampler_name": "k_heun"}),
        ({"steps": 500, "sampler_name": "k_dpm_adaptive"}, {"steps": 41}),
        ({"steps": 10, "sampler_name": "lcm"}, {"steps": 11, "sampler_name": "lcm"}),
        ({"steps": 30, "loras": [{"name": "246747"}]}, {"steps": 11, "loras": [{"name": "195519"}]}),
        (
            {"steps": 30, "loras": [{"name": "195519", "is_version": True}]},
            {"steps": 11, "loras": [{"name": "x"}, {"name": "246747", "is_version": True}]},
        ),
        ({"control_type": "canny"}, {"control_type": "canny", "steps": 21}),
        ({"width": 1024, "height": 1024}, {"width": 1088, "height": 1024}),
    ],
)
def test_request_is_heavy_from_a_bound_on(light: dict[str, Any], a_bit_more: dict[str, Any]) -> None:
    assert heavy(asked(**light), **IDLE) is None
    assert heavy(asked(**a_bit_more), **IDLE) is not None


@pytest.mark.parametrize(
    ("models", "load", "side"),
    [
        (("stable_diffusion",), (0, 0), 1024),
        (("stable_diffusion",), (50, 500), 1024),  # 1024 + 500 - 450
        (("stable_diffusion",), (0, 100), 934),
        (("stable_diffusion",), (5, 100), 984),
        (("stable_diffusion",), (0, 10_000), 576),
        ((), (0, 10_000), 576),
        ((SD2, "stable_diffusion"), (0, 10_000), 768),
        (("stable_diffusion", SDXL), (0, 10_000), 1024),
        (("Stable Cascade 1.0",), (0, 10_000), 1024),
        (("Flux.1-Schnell",), (0, 10_000), 1024),
        ((SDXL,), (1000, 0), 1024),
    ],
)
def test_free_size_follows_the_load_and_the_models(models: tuple[str, ...], load: tuple[int, int], side: int) -> None:
    threads, queued = load

    found = heavy(asked(models, width=3072, height=3072), threads=threads, queued=queued)

    assert found is not None
    assert f"up to {side}x{side} pixels" in found.reason
    whole = side // 64 * 64
    assert heavy(asked(models, width=whole, height=whole), threads=threads, queued=queued) is None


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (replace(asked(), slow_workers=False), "It is only for fast workers (`slow_workers` is false)."),
        (asked(steps=41), "It has 41 steps, and 40 are free."),
        (
            asked(steps=30, sampler_name="k_heun"),
            "It has 60 steps (30 of k_heun, which makes two of each), and 40 are free.",
        ),
        (asked(steps=12, sampler_name="lcm"), "It has 12 steps, and 10 are free with LCM."),
        (
            asked(source="img2img", control_type="hed", sampler_name="k_dpm_adaptive"),
            "It has 40 steps (as k_dpm_adaptive always has), and 20 are free with a ControlNet.",
        ),
        (asked(width=2048, height=1024), "It is 2048x1024, and at this load up to 1024x1024 pixels are free."),
    ],
)
def test_reason_tells_the_values(draft: Draft[ImageParams], reason: str) -> None:
    found = heavy(draft, **IDLE)

    assert found is not None
    assert (found.reason, found.may_downgrade) == (reason, True)


def test_list_of_workers_is_heavy_only_where_the_horde_says_so() -> None:
    listed = replace(asked(), workers=("a", "b"), slow_workers=True)

    assert heavy(listed, **IDLE) is None
    assert heavy(asked(), **IDLE, upfront_for_lists=True) is None
    found = heavy(replace(listed, slow_workers=False), **IDLE, upfront_for_lists=True)
    assert found is not None
    assert (found.reason, found.may_downgrade) == ("It is only for a list of 2 workers.", False)


# ----------------------------------------------------------------------------------------------- downgrade
@pytest.mark.parametrize(
    ("load", "size", "made"),
    [
        (IDLE, (1024, 1024), (1024, 1024)),
        (IDLE, (2048, 2048), (1024, 1024)),
        (IDLE, (3072, 1024), (1728, 576)),
        (IDLE, (1024, 3072), (576, 1728)),
        (IDLE, (3072, 704), (2048, 512)),  # the shorter side stays at 512
        (BUSY, (1024, 1024), (576, 576)),
        (BUSY, (3072, 512), (640, 512)),
        (BUSY, (512, 3072), (512, 640)),
        (BUSY, (3072, 64), (3072, 64)),
        (BUSY, (3072, 128), (2560, 128)),
    ],
)
def test_downgrade_keeps_the_shape_as_far_as_it_can(
    load: dict[str, Any], size: tuple[int, int], made: tuple[int, int]
) -> None:
    width, height = size

    params = downgraded(asked(width=width, height=height), **load).params

    assert (params.width, params.height) == made


@pytest.mark.parametrize(
    ("params", "steps"),
    [
        ({"steps": 30}, 30),
        ({"steps": 31}, 30),
        ({"steps": 500, "sampler_name": "k_heun"}, 15),
        ({"sampler_name": "lcm"}, 10),
        ({"sampler_name": "k_dpmpp_sde", "loras": [{"name": "195519"}]}, 5),
        ({"control_type": "canny", "steps": 40}, 20),
        ({"control_type": "canny", "steps": 40, "sampler_name": "k_dpm_2"}, 10),
        ({"steps": 100, "sampler_name": "k_dpm_adaptive"}, 100),
    ],
)
def test_downgrade_lowers_the_steps_to_what_is_free(params: dict[str, Any], steps: int) -> None:
    assert downgraded(asked(**params), **IDLE).params.steps == steps


def test_downgrade_leaves_alone_what_is_light() -> None:
    draft = asked(width=768, height=512)

    assert downgraded(draft, **IDLE) == draft
    assert downgraded(replace(draft, slow_workers=False), **IDLE) == draft


@given(draft=any_draft(KIND), load=LOADS)
def test_downgraded_request_is_light_and_no_bigger(draft: Draft[ImageParams], load: dict[str, Any]) -> None:
    small = downgraded(draft, **load)

    found = heavy(small, **load)
    # Nobody can tell k_dpm_adaptive how many steps to make.
    assert found is None or (draft.params.sampler_name == "k_dpm_adaptive" and "as k_dpm_adaptive" in found.reason)
    assert small.params.width <= draft.params.width
    assert small.params.height <= draft.params.height
    assert min(small.params.width, small.params.height) >= min(draft.params.width, draft.params.height, 512)
    assert effective_steps(small.params) <= effective_steps(draft.params)
    assert msgspec.convert(msgspec.to_builtins(small.params), ImageParams) == small.params
