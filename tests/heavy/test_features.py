"""What requestors may add to a prompt: each changes the picture, and nothing of it stays for the next order."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import AddOn, BackendFailed, Progress
from horde.worker.backends.diffusers.engine import DiffusersEngine
from tests.heavy.conftest import Laid, Make, order_of
from tests.heavy.pixels import array_of, scene, size_of, source

STYLE = {"name": "style"}
Mismatch = Literal["download_failed", "baseline_mismatch"]


def test_clip_skip_counts_from_the_layer_that_a_family_reads(make: Make) -> None:
    sd = [make(clip_skip=skip)[0].picture for skip in (1, 2, 3)]
    sdxl = [make(model="sdxl", clip_skip=skip)[0].picture for skip in (1, 2, 3)]

    assert len(set(sd)) == 3
    assert sdxl[0] == sdxl[1] != sdxl[2]
    assert make(model="flux", clip_skip=2)[0].picture == make(model="flux")[0].picture


@pytest.mark.parametrize(
    "payload", [{"loras": [STYLE]}, {"tis": [{"name": "word", "inject_ti": "prompt"}]}, {"tiling": True}]
)
def test_what_is_added_for_one_order_is_gone_for_the_next(make: Make, payload: dict[str, object]) -> None:
    before = make(9)[0].picture

    assert make(9, **payload)[0].picture != before
    assert make(9)[0].picture == before


def test_lora_has_a_strength_for_the_model_and_one_for_the_text(make: Make) -> None:
    pictures = {make(9, loras=[{**STYLE, **by}])[0].picture for by in ({}, {"model": 0.3}, {"clip": 0.3})}

    assert len(pictures) == 3
    nothing = make(9, loras=[{**STYLE, "model": 0.0, "clip": 0.0}])[0]
    assert np.abs(array_of(nothing) - array_of(make(9)[0])).mean() < 1
    assert nothing.metadata == ()


def test_lora_for_flux_changes_its_pictures_by_its_strength(make: Make) -> None:
    before = make(9, model="flux")[0]
    pictures = [
        make(9, model="flux", loras=[{"name": "flux_style", "model": strength}])[0] for strength in (1.0, 0.3, 0.0)
    ]

    assert len({picture.picture for picture in (before, *pictures[:2])}) == 3
    assert [picture.metadata for picture in pictures] == [()] * 3
    assert np.abs(array_of(pictures[2]) - array_of(before)).mean() < 1
    assert make(9, model="flux")[0].picture == before.picture


def test_trigger_of_a_lora_goes_into_the_prompt(make: Make) -> None:
    with_trigger = make(9, loras=[{**STYLE, "inject_trigger": "pencil"}])[0].picture

    assert with_trigger == make(9, prompt="a red horse, pencil", loras=[STYLE])[0].picture


def test_what_the_owner_laid_there_is_known_in_whichever_letters(make: Make) -> None:
    named = make(9, loras=[{"name": "STYLE"}], tis=[{"name": "Word", "inject_ti": "prompt"}])[0]

    assert named.picture == make(9, loras=[STYLE], tis=[{"name": "word", "inject_ti": "prompt"}])[0].picture
    assert named.metadata == ()


def test_what_the_worker_fetched_works_as_what_the_owner_laid_there(
    ready: DiffusersEngine, make: Make, laid: Laid
) -> None:
    style, word = str(laid.folder / "loras" / "style.safetensors"), str(laid.folder / "embeddings" / "word.safetensors")
    add_ons = (
        AddOn("lora", "7", is_version=True, path=style, sha256="1" * 64, triggers=("pencil", "ink")),
        AddOn("ti", "Word", is_version=False, path=word, sha256="2" * 64),
    )
    loras, tis = [{"name": "7", "is_version": True, "inject_trigger": "any"}], [{"name": "Word", "inject_ti": "prompt"}]
    order = replace(order_of(9, loras=loras, tis=tis), add_ons=add_ons)
    (picture,) = ready.generate(order, lambda _progress: None)

    own = make(9, prompt="a red horse, pencil", loras=[STYLE], tis=[{"name": "word", "inject_ti": "prompt"}])
    assert (picture.picture, picture.metadata) == (own[0].picture, ())


@pytest.mark.parametrize(
    ("kind", "payload", "model", "value"),
    [
        ("lora", {"loras": [{"name": "nowhere"}]}, "sd", "download_failed"),
        ("lora", {"loras": [{"name": "../models/sd/unet/diffusion_pytorch_model"}]}, "sd", "download_failed"),
        ("lora", {"loras": [STYLE]}, "sdxl", "baseline_mismatch"),
        ("lora", {"loras": [STYLE]}, "flux", "baseline_mismatch"),
        ("lora", {"loras": [{"name": "flux_style"}]}, "sd", "baseline_mismatch"),
        ("lora", {"loras": [{"name": "torn"}]}, "sd", "baseline_mismatch"),
        ("ti", {"tis": [{"name": "torn", "inject_ti": "prompt"}]}, "sd", "baseline_mismatch"),
        ("ti", {"tis": [{"name": "nowhere"}]}, "sd", "download_failed"),
        ("ti", {"tis": [{"name": "wide", "inject_ti": "prompt"}]}, "sd", "baseline_mismatch"),
        ("ti", {"tis": [{"name": "word", "inject_ti": "prompt"}]}, "sdxl", "baseline_mismatch"),
        ("ti", {"tis": [{"name": "word", "inject_ti": "prompt"}]}, "flux", "baseline_mismatch"),
    ],
)
def test_what_is_not_here_or_does_not_fit_is_told_and_left_out(
    make: Make, kind: Literal["lora", "ti"], payload: dict[str, object], model: str, value: Mismatch
) -> None:
    (picture,) = make(9, model=model, **payload)

    told = {"lora": "loras", "ti": "tis"}[kind]
    names = [entry["name"] for entry in payload[told]]  # type: ignore[attr-defined]  # a list, as on the wire
    assert picture.metadata == tuple(GenMetadata(type=kind, value=value, ref=name) for name in names)
    assert picture.picture == make(9, model=model)[0].picture


def test_textual_inversion_is_a_word_that_a_prompt_may_say_itself(make: Make) -> None:
    injected = make(9, tis=[{"name": "word", "inject_ti": "prompt"}])[0].picture

    assert injected == make(9, prompt="a red horse, embedding:word", tis=[{"name": "word"}])[0].picture
    assert injected != make(9, tis=[{"name": "word", "inject_ti": "negprompt"}])[0].picture
    assert injected != make(9, tis=[{"name": "word", "inject_ti": "prompt", "strength": 0.5}])[0].picture


def test_textual_inversion_for_both_text_encoders_of_sdxl_is_taken(make: Make) -> None:
    (picture,) = make(9, model="sdxl", tis=[{"name": "xl_word", "inject_ti": "prompt"}])

    assert picture.metadata == ()
    assert picture.picture != make(9, model="sdxl")[0].picture


@pytest.mark.parametrize("kind", ["canny", "scribble", "hough", "depth", "normal"])
def test_control_map_drawn_here_steers_the_picture(make: Make, kind: str) -> None:
    maps = {"control_type": kind}
    steered, other = (make(9, sources=source(picture=picture), **maps)[0] for picture in (scene(), scene().rotate(90)))

    assert size_of(steered) == (64, 64)
    assert len({steered.picture, other.picture, make(9)[0].picture}) == 3
    drawn = array_of(make(9, sources=source(), return_control_map=True, **maps)[0])
    assert drawn.shape == (64, 64, 3)
    assert drawn.std() > 1


def test_map_that_a_requestor_drew_is_taken_as_it_is(make: Make) -> None:
    sources = source()
    (drawn,) = make(9, sources=sources, control_type="hed", image_is_control=True, return_control_map=True)

    assert np.abs(array_of(drawn) - np.asarray(scene(), np.float32)).mean() < 5
    assert size_of(make(9, sources=sources, control_type="hed", image_is_control=True)[0]) == (64, 64)


def test_controlnet_steers_several_pictures_of_sdxl_by_the_asked_strength(make: Make) -> None:
    steered = make(1, 2, model="sdxl", sources=source(), control_type="canny")
    weaker = make(1, 2, model="sdxl", sources=source(), control_type="canny", denoising_strength=0.2)

    assert [size_of(picture) for picture in steered] == [(64, 64)] * 2
    assert steered[0].picture != weaker[0].picture


@pytest.mark.parametrize(("model", "begun"), [("sd", "words"), ("sd", "picture"), ("sdxl", "words")])
def test_hires_fix_makes_a_large_picture_in_two_passes(make: Make, model: str, begun: str) -> None:
    side = {"sd": 576, "sdxl": 1088}[model]
    progress: list[Progress] = []
    wishes = {"hires_fix": True, "hires_fix_denoising_strength": 0.5}
    sources = source() if begun == "picture" else None
    (picture,) = make(
        model=model,
        size=(side, side),
        steps=2,
        sources=sources,
        denoising_strength=1.0,
        report=progress.append,
        **wishes,
    )

    assert size_of(picture) == (side, side)
    assert [told.share for told in progress] == [0.25, 0.5, 1.0]


def test_hires_fix_with_several_pictures_and_a_controlnet(make: Make) -> None:
    pictures = make(1, 2, size=(576, 576), steps=2, sources=source(), control_type="canny", hires_fix=True)

    assert [size_of(picture) for picture in pictures] == [(576, 576)] * 2


def test_hires_fix_of_a_small_picture_changes_nothing(make: Make) -> None:
    assert make(hires_fix=True)[0].picture == make()[0].picture


@pytest.mark.parametrize(
    ("model", "sources", "payload", "words"),
    [
        ("nothing", None, {}, "'nothing' is not here; there are flux, sd, sdxl"),
        ("sd", None, {"transparent": True}, "makes no transparent pictures"),
        ("sd", None, {"workflow": "qr_code"}, "has no workflow 'qr_code'"),
        ("sd", None, {"control_type": "canny"}, "canny needs a source picture"),
        ("sd", source("remix"), {}, "makes no picture out of several"),
        ("sd", source(), {"control_type": "openpose"}, "no openpose map can be drawn here"),
        ("sd", source(), {"control_type": "seg", "image_is_control": True}, "there is no ControlNet for seg"),
        (
            "flux",
            source(),
            {"control_type": "canny"},
            "there is no ControlNet for canny and models of the family flux_1",
        ),
        ("sd", None, {"cfg_scale": "much"}, "the payload cannot be read: Expected `float`"),
    ],
)
def test_order_that_cannot_be_done_says_why(
    make: Make, model: str, sources: object, payload: dict[str, object], words: str
) -> None:
    with pytest.raises(BackendFailed, match=words):
        make(model=model, sources=sources, **payload)


def test_source_that_is_no_picture_is_refused(make: Make) -> None:
    with pytest.raises(BackendFailed, match="the source picture cannot be read"):
        make(sources=type(source())(processing="img2img", picture=b"GIF89a, not really", mask=None))
