"""Prompts of any length and weight: read to their end, and as the model's own library reads them where both can."""

from collections.abc import Callable
from dataclasses import replace

import diffusers
import pytest
import torch

from horde.worker.backends.base import Progress
from horde.worker.backends.diffusers.engine import DiffusersEngine
from horde.worker.backends.diffusers.prompts import CHUNKS_MAX, Tensors, one_encoder, two_encoders
from tests.heavy.conftest import Make, order_of
from tests.heavy.pixels import left_half, size_of, source

FAMILIES = pytest.mark.parametrize("model", ["sd", "sdxl", "flux"])
WITH_CLIP = pytest.mark.parametrize("model", ["sd", "sdxl"])
LONG = "horses " * 30
"""180 tokens here, where each letter is one: three chunks."""
WORD = {"tis": [{"name": "word"}]}


def whole(ready: DiffusersEngine, model: str) -> diffusers.DiffusionPipeline:
    """The pipeline of a model, where it works."""
    return ready._models.get(model).whole.to(ready._models.device)


def silent(_progress: Progress) -> None:
    """For orders whose progress nobody looks at."""


@FAMILIES
def test_end_of_a_long_prompt_matters(make: Make, model: str) -> None:
    red, blue = (make(model=model, prompt=f"{LONG}, {colour}")[0].picture for colour in ("red", "blue"))

    assert red != blue
    assert make(model=model, prompt=f"{LONG}, red")[0].picture == red


@WITH_CLIP
def test_end_of_a_long_negative_prompt_matters(ready: DiffusersEngine, model: str) -> None:
    order = order_of(model=model)
    pictures = {
        ready.generate(replace(order, negative_prompt=f"{LONG}{end}"), silent)[0].picture for end in ("red", "blue", "")
    }

    assert len(pictures) == 3


@WITH_CLIP
@pytest.mark.parametrize("payload", [{}, {"control_type": "canny"}], ids=["by themselves", "with a ControlNet"])
def test_long_prompts_go_with_every_beginning(make: Make, model: str, payload: dict[str, object]) -> None:
    for sources in (source(), source("inpainting", mask=left_half())):
        pictures = make(1, 2, model=model, prompt=LONG, sources=sources, **payload)
        assert [size_of(picture) for picture in pictures] == [(64, 64)] * 2


@WITH_CLIP
def test_weight_changes_the_picture_and_one_of_1_does_not(make: Make, model: str) -> None:
    by_prompt = {
        prompt: make(model=model, prompt=prompt)[0].picture
        for prompt in ("a red horse", "a (red:1.0) horse", "a (red) horse", "a (red:1.4) horse", "a [red] horse")
    }

    assert by_prompt["a red horse"] == by_prompt["a (red:1.0) horse"]
    assert len(set(by_prompt.values())) == 4
    assert by_prompt["a (red:1.4) horse"] == make(model=model, prompt="a (red:1.4) horse")[0].picture


def test_weight_of_0_leaves_what_an_empty_prompt_has_in_its_place(ready: DiffusersEngine) -> None:
    said = one_encoder(whole(ready, "sd"), "(a red horse:0)", "", 1)
    words, nothing = said["prompt_embeds"], said["negative_prompt_embeds"]

    torch.testing.assert_close(words[:, 1:10], nothing[:, 1:10])


@WITH_CLIP
def test_break_begins_a_new_chunk(make: Make, model: str) -> None:
    parted = make(model=model, prompt="a red horse BREAK a barn")[0].picture

    assert parted != make(model=model, prompt="a red horse a barn")[0].picture
    assert parted == make(model=model, prompt="BREAK a red horse BREAK a barn")[0].picture


def test_weights_mean_nothing_to_a_model_that_was_trained_without(make: Make) -> None:
    plain = make(model="flux", prompt="a red horse")[0].picture

    assert make(model="flux", prompt="a (red:1.4) [horse]")[0].picture == plain


def test_learnt_word_may_stand_in_a_weighted_prompt(make: Make) -> None:
    plain, weighted, other, unknown = (
        make(prompt=f"a horse, {words}", **payload)[0].picture
        for words, payload in (
            ("embedding:word", WORD),
            ("(embedding:word:1.3)", WORD),
            ("(embedding:word, red:1.3)", WORD),
            ("(embedding:word:1.3)", {}),
        )
    )

    assert len({plain, weighted, other, unknown}) == 4
    assert make(prompt="a horse, (embedding:word:1.0)", **WORD)[0].picture == plain


@pytest.mark.parametrize("prompt", ["a horse, {}", "a horse, ({}:1.3)", "(a horse, {})", "a horse, {}, {}"])
def test_learnt_word_goes_by_any_name(make: Make, prompt: str) -> None:
    plain = make(prompt=prompt.format("embedding:word", "embedding:word"), **WORD)[0].picture
    named = "embedding:A word (v2)", "EMBEDDING:a word (v2)"

    assert make(prompt=prompt.format(*named), tis=[{"name": "A word (v2)"}])[0].picture == plain


def test_learnt_word_stays_whole_at_the_end_of_a_chunk(make: Make) -> None:
    # 74 letters leave place for one of its two vectors.
    split = make(prompt=f"{'a' * 74} embedding:word", **WORD)[0].picture

    assert split == make(prompt=f"{'a' * 74} BREAK embedding:word", **WORD)[0].picture


def test_plain_prompt_is_read_as_the_library_reads_it(ready: DiffusersEngine) -> None:
    sd, sdxl = (whole(ready, name) for name in ("sd", "sdxl"))
    with torch.no_grad():
        expected = sd.encode_prompt("a red horse", sd.device, 1, True, "blurry")
        expected_xl = sdxl.encode_prompt("a red horse", negative_prompt="blurry", device=sdxl.device)
        earlier_xl = sdxl.encode_prompt("a red horse", device=sdxl.device, clip_skip=2)
    said, said_xl = one_encoder(sd, "a red horse", "blurry", 1), two_encoders(sdxl, "a red horse", "blurry", 1)

    torch.testing.assert_close((said["prompt_embeds"], said["negative_prompt_embeds"]), expected)
    torch.testing.assert_close((said_xl["prompt_embeds"], said_xl["negative_prompt_embeds"]), expected_xl[:2])
    torch.testing.assert_close(
        (said_xl["pooled_prompt_embeds"], said_xl["negative_pooled_prompt_embeds"]), expected_xl[2:]
    )
    torch.testing.assert_close(two_encoders(sdxl, "a red horse", "", 4)["prompt_embeds"], earlier_xl[0])


@pytest.mark.parametrize(("model", "say"), [("sd", one_encoder), ("sdxl", two_encoders)])
def test_prompt_beyond_reason_is_cut(ready: DiffusersEngine, model: str, say: Callable[..., Tensors]) -> None:
    said = say(whole(ready, model), "a BREAK " * 2 * CHUNKS_MAX, "x" * 5000, 1)

    assert {said[name].shape[1] for name in ("prompt_embeds", "negative_prompt_embeds")} == {CHUNKS_MAX * 77}
