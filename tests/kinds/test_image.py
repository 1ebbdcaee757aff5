"""Images: bounds, lanes, steps, leases, batches and payloads as the contract has them (api-v2.md 2.2, 3.1)."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from horde.errors import (
    BadCFGDecimals,
    BadInput,
    BadLoraVersion,
    ControlNetSourceMissing,
    InvalidExtraTexts,
    InvalidPromptSize,
    MissingExtraTexts,
    MissingPrompt,
    TooManyUpscalers,
)
from horde.kinds.base import Draft, Needs
from horde.kinds.image import KIND, ImageParams, effective_steps, idle_payload, steps
from horde.kinds.image_refusals import TooManyLoras, TooManyTIs

TWO_UPSCALERS = ["RealESRGAN_x4plus", "NMKD_Siax"]
QR_TEXT = {"text": "https://example.org", "reference": "qr_code"}


def params(**fields: Any) -> ImageParams:
    return msgspec.convert(fields, ImageParams)


def draft(prompt: str = "a red fox", **fields: Any) -> Draft[ImageParams]:
    return Draft(kind="image", prompt=prompt, params=params(**fields))


EULER_A = "k_euler_a karras"
"""The sampler of who names none, as a feature."""


# --------------------------------------------------------------------------------------------- bounds
ZERO_TO_ONE = ([0.01, 0.5, 1, 1.0], [0, 0.009, 1.01, -1, "0.5"])
SIZE = ([64, 512, 576, 3072], [0, 63, 65, 500, 3136, -64, 512.5, "512"])
BOOLEAN: tuple[list[Any], list[Any]] = ([True, False], [0, 1, "true"])
STRENGTH = ([-5, 0, 0.5, 5], [-5.1, 5.1, "1"])

BOUNDS: dict[str, tuple[list[Any], list[Any]]] = {
    "sampler_name": (
        ["k_lms", "k_heun", "k_euler", "k_euler_a", "k_dpm_2", "k_dpm_2_a", "k_dpm_fast", "k_dpm_adaptive",
         "k_dpmpp_2s_a", "k_dpmpp_2m", "dpmsolver", "k_dpmpp_sde", "DDIM", "lcm"],
        ["", "ddim", "K_EULER", "uni_pc", 1],
    ),
    "cfg_scale": ([0, 7.5, 100], [-0.1, 100.01, "7"]),
    "denoising_strength": ZERO_TO_ONE,
    "hires_fix_denoising_strength": ZERO_TO_ONE,
    "height": SIZE,
    "width": SIZE,
    "steps": ([1, 30, 500], [0, 501, -1, 1.5, "30"]),
    "n": ([1, 20], [0, 21, "1"]),
    "seed": (["", "42", "cat", "☃", "x" * 10_000], [42, 4.2, "x" * 10_001]),
    "seed_variation": ([1, 1000], [0, 1001]),
    "post_processing": (
        [[], ["GFPGAN"], ["RealESRGAN_x4plus"], ["RealESRGAN_x2plus"], ["RealESRGAN_x4plus_anime_6B"], ["NMKD_Siax"],
         ["4x_AnimeSharp"], ["CodeFormers"], ["strip_background"], ["4xNomos8kSC"], ["4xLSDIRplus"],
         ["4xNomosWebPhoto_RealPLKSR"], ["4xNomos2_realplksr_dysample"], ["4xNomos2_hq_dat2"],
         ["2xModernSpanimationV1"], ["GFPGANv1.3", "RestoreFormer"]],
        [["gfpgan"], ["GFPGAN", "GFPGAN"], "GFPGAN", [None]],
    ),
    "karras": BOOLEAN,
    "tiling": BOOLEAN,
    "hires_fix": BOOLEAN,
    "clip_skip": ([1, 12], [0, 13]),
    "facefixer_strength": ([0, 0.5, 1], [-0.1, 1.1]),
    "loras": (
        [[], [{"name": "x"}] * 5, [{"name": "x" * 255, "inject_trigger": "t" * 30, "is_version": True}]]
        + [[{"name": "x", field: value}] for field in ("model", "clip") for value in STRENGTH[0]],
        [[{"name": "x"}] * 101, [{}], [{"name": ""}], [{"name": "x" * 256}], ["x"], [{"name": 7}]]
        + [[{"name": "x", "inject_trigger": text}] for text in ("", "t" * 31)]
        + [[{"name": "x", field: value}] for field in ("model", "clip") for value in STRENGTH[1]],
    ),
    "tis": (
        [[], [{"name": "x"}] * 20]
        + [[{"name": "x", "inject_ti": place}] for place in ("prompt", "negprompt")]
        + [[{"name": "x", "strength": value}] for value in STRENGTH[0]],
        [[{"name": "x"}] * 101, [{}], [{"name": ""}], [{"name": "x" * 256}], [{"name": "x", "inject_ti": "both"}]]
        + [[{"name": "x", "strength": value}] for value in STRENGTH[1]],
    ),
    "special": ([{}, {"anything": [1, "two"]}], ["text", 1]),
    "workflow": (["qr_code"], ["", "qr", True]),
    "transparent": BOOLEAN,
    "control_type": (
        ["canny", "hed", "depth", "normal", "openpose", "seg", "scribble", "fakescribbles", "hough"],
        ["mlsd", "", "Canny"],
    ),
    "image_is_control": BOOLEAN,
    "return_control_map": BOOLEAN,
    "extra_texts": (
        [[], [QR_TEXT], [{"text": "x", "reference": "abc"}] * 9],
        [[{}], [{"text": "x"}], [{"text": "", "reference": "abc"}], [{"text": "x", "reference": "ab"}], [QR_TEXT] * 101,
         [{"text": "x" * 10_001, "reference": "abc"}]],
    ),
}  # fmt: skip


def test_every_parameter_has_its_bounds_tested() -> None:
    assert BOUNDS.keys() == set(ImageParams.__struct_fields__)


@pytest.mark.parametrize(("field", "value"), [(name, value) for name, (good, _) in BOUNDS.items() for value in good])
def test_parameter_inside_its_bounds_is_taken(field: str, value: Any) -> None:
    taken = msgspec.json.decode(msgspec.json.encode({field: value}), type=ImageParams)

    assert msgspec.to_builtins(getattr(taken, field)) is not None


@pytest.mark.parametrize(
    ("field", "value"), [(name, value) for name, (_, bad) in BOUNDS.items() for value in [*bad, None]]
)
def test_parameter_outside_its_bounds_is_refused(field: str, value: Any) -> None:
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{field}|non-unique"):
        msgspec.json.decode(msgspec.json.encode({field: value}), type=ImageParams)


def test_unknown_parameters_are_taken_and_left_out() -> None:
    assert params(cfg=3, gimmick=None) == params()


# ---------------------------------------------------------------------------------------------- check
@pytest.mark.parametrize(
    ("refused", "error"),
    [
        (draft(""), MissingPrompt),
        (draft(" \n\t"), MissingPrompt),
        (draft(loras=[{"name": "one", "is_version": True}]), BadLoraVersion),
        (draft(loras=[{"name": "one"}] * 6), TooManyLoras),
        (draft(tis=[{"name": "one"}] * 21), TooManyTIs),
        (draft("word " * 7501), InvalidPromptSize),
        (draft(post_processing=TWO_UPSCALERS), TooManyUpscalers),
        (draft(cfg_scale=7.125), BadCFGDecimals),
        (draft(control_type="canny"), ControlNetSourceMissing),
        (draft(extra_texts=[QR_TEXT]), InvalidExtraTexts),
        (draft(workflow="qr_code"), MissingExtraTexts),
        (draft(workflow="qr_code", extra_texts=[{"text": "x", "reference": "other"}]), MissingExtraTexts),
        # The first failure of the contract's list wins.
        (draft("", cfg_scale=7.125), MissingPrompt),
        (draft(post_processing=TWO_UPSCALERS, cfg_scale=7.125), TooManyUpscalers),
        (draft("word " * 7501, tis=[{"name": "one"}] * 21), TooManyTIs),
        (draft(loras=[{"name": "one", "is_version": True}] * 6), TooManyLoras),
    ],
)
def test_draft_that_cannot_be_done_is_refused_by_its_own_code(refused: Draft[Any], error: type[BadInput]) -> None:
    with pytest.raises(error):
        KIND.check(refused)


@pytest.mark.parametrize(
    "accepted",
    [
        draft(),
        draft("word " * 7500),
        draft("a fox ### a hound"),
        draft(loras=[{"name": "one"}, {"name": "123", "is_version": True}]),
        draft(loras=[{"name": "one"}] * 5, tis=[{"name": "one"}] * 20),
        draft(post_processing=["GFPGAN", "CodeFormers", "strip_background", "RealESRGAN_x2plus"]),
        draft(cfg_scale=7.25),
        draft(cfg_scale=0.1),
        draft(cfg_scale=99.99),
        draft(workflow="qr_code", extra_texts=[{"text": "x", "reference": "other"}, QR_TEXT]),
        replace(draft(control_type="canny"), source_processing="img2img"),
    ],
)
def test_draft_that_can_be_done_is_taken(accepted: Draft[Any]) -> None:
    KIND.check(accepted)


# ---------------------------------------------------------------------------------------------- needs
def test_draft_without_wishes_needs_only_its_size_and_the_common_samplers() -> None:
    assert KIND.needs(draft(width=1024, height=512)) == Needs(
        kind="image", features=(EULER_A,), sizes=(("pixels", 1024 * 512),), nsfw=True, slow_workers=True
    )


@pytest.mark.parametrize(
    ("fields", "features"),
    [
        ({}, ()),
        ({"tiling": True}, ("tiling",)),
        ({"hires_fix": True}, ("hires_fix",)),
        ({"transparent": True}, ("layer_diffuse",)),
        ({"return_control_map": True}, ("return_control_map",)),
        ({"control_type": "hed"}, ("controlnet",)),
        ({"control_type": "hed", "image_is_control": True}, ("controlnet", "image_is_control")),
        ({"image_is_control": True}, ()),
        ({"clip_skip": 1}, ()),
        ({"clip_skip": 2}, ("clip_skip",)),
        ({"loras": []}, ()),
        ({"loras": [{"name": "x"}]}, ("lora",)),
        ({"loras": [{"name": "x"}, {"name": "1", "is_version": True}]}, ("lora", "lora_versions")),
        ({"tis": [{"name": "x"}]}, ("textual_inversion",)),
        ({"post_processing": []}, ()),
        ({"post_processing": ["GFPGAN", "4x_AnimeSharp"]}, ("4x_AnimeSharp", "GFPGAN", "post-processing")),
        ({"workflow": "qr_code", "extra_texts": [QR_TEXT]}, ("qr_code",)),
        ({"steps": 30}, ()),
        ({"steps": 31}, ("many_steps",)),
        ({"steps": 500}, ("many_steps",)),
        ({"steps": 15, "sampler_name": "k_heun"}, ()),
        ({"steps": 16, "sampler_name": "k_heun"}, ("many_steps",)),
        ({"steps": 1, "sampler_name": "k_dpm_adaptive"}, ("many_steps",)),
    ],
)
def test_wish_becomes_the_feature_it_needs(fields: dict[str, Any], features: tuple[str, ...]) -> None:
    assert KIND.needs(draft(**fields)).features == tuple(sorted({*features, EULER_A}))


@pytest.mark.parametrize(
    ("changes", "features"),
    [
        ({"source_processing": "img2img"}, {"img2img"}),
        ({"source_processing": "inpainting"}, {"img2img", "inpainting"}),
        ({"source_processing": "outpainting"}, {"img2img", "inpainting"}),
        ({"source_processing": "remix", "extra_sources": 1}, {"img2img", "extra_source_images"}),
    ],
)
def test_pictures_that_come_along_need_somebody_who_takes_them(changes: dict[str, Any], features: set[str]) -> None:
    assert set(KIND.needs(replace(draft(), **changes)).features) == features | {EULER_A}


@pytest.mark.parametrize(
    ("fields", "feature"),
    [
        ({"sampler_name": "k_heun"}, EULER_A),
        ({"sampler_name": "k_heun", "karras": False}, "k_euler_a"),
        ({"sampler_name": "k_lms"}, "k_euler_a"),
        ({"sampler_name": "lcm"}, "lcm karras"),
        ({"sampler_name": "DDIM", "karras": False}, "DDIM"),
    ],
)
def test_samplers_that_the_same_programs_run_wait_together(fields: dict[str, Any], feature: str) -> None:
    assert KIND.needs(draft(**fields, steps=1)).features == (feature,)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (1024 * 1024, "1,048,576 pixels (for example 1024x1024)"),
        (512 * 768, "393,216 pixels (for example 512x768)"),
        (64 * 3072, "196,608 pixels (for example 384x512)"),
        (64 * 64 * 47, "192,512 pixels (for example 64x3008)"),
        (64 * 64 * 53, "217,088 pixels (for example 448x448)"),
        (1_000_000, "1,000,000 pixels (for example 960x960)"),
        (2**31 - 1, "2,147,483,647 pixels (for example 3072x3072)"),
        (64 * 64 - 1, "4,095 pixels"),
    ],
)
def test_pixels_are_said_with_a_picture_that_has_so_many(pixels: int, words: str) -> None:
    assert KIND.size_in_words("pixels", pixels) == words


def test_idle_worker_is_shown_twelve_reasons_whatever_was_skipped() -> None:
    assert set(KIND.skip_keys_shown) == {
        "bridge_version", "untrusted", "performance", "controlnet", "post-processing", "lora", "nsfw", "unsafe_ip",
        "painting", "img2img", "worker_id", "models",
    }  # fmt: skip


# ------------------------------------------------------------------------- steps, lease, batch
@pytest.mark.parametrize(
    ("fields", "made", "effective"),
    [
        ({}, 30, 30),
        ({"steps": 12}, 12, 12),
        ({"control_type": "canny"}, 20, 20),
        ({"control_type": "canny", "steps": 500}, 40, 40),
        ({"steps": 12, "sampler_name": "k_heun"}, 12, 24),
        ({"steps": 12, "sampler_name": "k_dpm_2"}, 12, 24),
        ({"steps": 12, "sampler_name": "k_dpm_2_a"}, 12, 24),
        ({"steps": 12, "sampler_name": "k_dpmpp_2s_a"}, 12, 24),
        ({"steps": 12, "sampler_name": "k_dpmpp_sde"}, 12, 24),
        ({"steps": 12, "sampler_name": "k_dpmpp_2m"}, 12, 12),
        ({"steps": 12, "sampler_name": "k_dpm_adaptive"}, 12, 40),
        ({"steps": 400, "sampler_name": "k_dpm_adaptive"}, 400, 40),
    ],
)
def test_samplers_that_pass_twice_count_double(fields: dict[str, Any], made: int, effective: int) -> None:
    asked = params(**fields)

    assert (steps(asked), effective_steps(asked)) == (made, effective)
    assert KIND.things(asked) == 512 * 512 * effective


@pytest.mark.parametrize(
    ("fields", "lease_s"),
    [
        ({}, 90),  # 30 + 2 x 30 x 1
        ({"steps": 1}, 32),
        ({"steps": 50}, 130),
        ({"width": 1024, "height": 1024}, 270),  # four times the pixels
        ({"width": 1024, "height": 1024, "sampler_name": "k_heun"}, 510),
        ({"width": 64, "height": 64, "steps": 10}, 30),
        ({"control_type": "canny"}, 140),  # 20 steps by default, and twice the time
    ],
)
def test_lease_grows_with_the_work(fields: dict[str, Any], lease_s: int) -> None:
    assert KIND.lease_s(params(**fields), ("stable_diffusion",)) == lease_s


@pytest.mark.parametrize(
    ("models", "lease_s"),
    [
        ((), 90),
        (("stable_diffusion", "SDXL 1.0"), 90),
        (("stable_diffusion", "Flux.1-Schnell fp8 (Compact)"), 270),  # any of them may be the one
        (("My own [Qwen]",), 270),
        (("Z-Image-Turbo",), 270),
    ],
)
def test_lease_is_three_times_as_long_where_a_model_is_large(models: tuple[str, ...], lease_s: int) -> None:
    assert KIND.lease_s(params(), models) == lease_s
    assert KIND.lease_s(params(control_type="canny"), models) == lease_s // 90 * 140


@pytest.mark.parametrize(
    ("fields", "pixels", "amount", "batch"),
    [
        ({}, 512 * 512, 1, 1),
        ({}, 512 * 512, 4, 1),  # 4 / 3.5 = 1.14
        ({}, 512 * 512, 20, 6),  # 20 / 3.5 = 5.71
        ({}, 1024 * 1024, 4, 4),  # 4.57, and no more than was asked for
        ({"width": 1024, "height": 1024}, 1024 * 1024, 7, 2),
        ({"width": 3072, "height": 3072}, 512 * 512, 20, 1),  # 0.16, and at least one
        ({"post_processing": ["GFPGAN"]}, 512 * 512, 20, 4),  # 5.71 / 1.4
        ({"post_processing": ["GFPGAN", "strip_background"]}, 512 * 512, 20, 3),  # 5.71 / 1.8
        ({"post_processing": ["CodeFormers"]}, 512 * 512, 20, 2),  # 5.71 / 1.4 / 1.8
        ({"transparent": True}, 512 * 512, 20, 3),  # 5.71 / 1.8
        ({"workflow": "qr_code", "extra_texts": [QR_TEXT]}, 1024 * 1024, 4, 1),  # never several at once
    ],
)
def test_batch_is_what_fits_into_the_workers_memory(
    fields: dict[str, Any], pixels: int, amount: int, batch: int
) -> None:
    assert KIND.batch_max(params(**fields), {"pixels": pixels}, amount) == batch


@pytest.mark.parametrize(
    "processor",
    [
        "RealESRGAN_x4plus", "RealESRGAN_x4plus_anime_6B", "NMKD_Siax", "4x_AnimeSharp", "CodeFormers", "4xNomos8kSC",
        "4xLSDIRplus", "4xNomos2_hq_dat2", "RestoreFormer",
    ],
)  # fmt: skip
def test_heavy_post_processing_makes_batches_smaller(processor: str) -> None:
    assert KIND.batch_max(params(post_processing=[processor]), {"pixels": 512 * 512}, 20) == 2


# -------------------------------------------------------------------------------------------- payload
PLAIN = {
    "sampler_name": "k_euler_a", "cfg_scale": 5.0, "height": 512, "width": 512, "karras": True, "tiling": False,
    "hires_fix": False, "transparent": False, "image_is_control": False, "return_control_map": False,
    "ddim_steps": 30, "n_iter": 1, "seed": "42", "prompt": "a red fox",
}  # fmt: skip


def test_payload_of_a_plain_request_holds_the_fixed_names_and_nothing_else() -> None:
    assert KIND.payload(params(), "a red fox", 1, 42) == PLAIN


def test_payload_tells_the_batch_and_its_seed_as_text() -> None:
    sent = KIND.payload(params(n=9, seed="7", steps=12), "a red fox", 3, 2**32 - 1)

    assert sent == PLAIN | {"ddim_steps": 12, "n_iter": 3, "seed": "4294967295"}


def test_payload_hands_on_every_wish_that_was_set() -> None:
    wishes = {
        "denoising_strength": 0.5, "hires_fix_denoising_strength": 0.6, "post_processing": ["GFPGAN"], "clip_skip": 2,
        "facefixer_strength": 0.7, "special": {"a": None}, "workflow": "qr_code", "extra_texts": [QR_TEXT],
        "seed_variation": 3, "control_type": "depth",
    }  # fmt: skip

    sent = KIND.payload(params(**wishes, loras=[{"name": "x"}], tis=[{"name": "y"}]), "a red fox", 1, 42)

    lora = {"name": "x", "model": 1.0, "clip": 1.0, "is_version": False}
    assert sent == PLAIN | wishes | {"loras": [lora], "tis": [{"name": "y", "strength": 1.0}], "ddim_steps": 20}


def test_idle_payload_is_the_schemas_own_defaults() -> None:
    assert idle_payload() == {
        "sampler_name": "k_euler_a", "cfg_scale": 7.5, "height": 512, "width": 512, "karras": False, "tiling": False,
        "hires_fix": False, "transparent": False, "image_is_control": False, "return_control_map": False,
        "ddim_steps": 30, "n_iter": 1,
    }  # fmt: skip
