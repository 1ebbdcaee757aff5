"""The few words of `generate`, as the message they become."""

import pytest
from msgspec import UNSET

from horde.client._requests import ImageOptions, image_request
from horde.errors import BadInput


def test_what_is_left_out_is_left_to_the_horde() -> None:
    request = image_request("a stable", {})

    assert request.prompt == "a stable"
    assert request.params.steps is UNSET
    assert request.params.seed is UNSET
    assert request.models == []
    assert request.nsfw is False
    assert request.r2 is True


def test_options_go_where_the_horde_looks_for_them() -> None:
    request = image_request(
        "a stable",
        {"negative_prompt": "rain", "width": 128, "height": 64, "n": 3, "steps": 7, "seed": 42, "models": ["m"]},
    )

    assert request.prompt == "a stable ### rain"
    assert (request.params.width, request.params.height, request.params.n) == (128, 64, 3)
    assert (request.params.steps, request.params.seed, request.params.seed_variation) == (7, "42", 1)
    assert request.models == ["m"]


def test_pictures_go_along_in_base64() -> None:
    request = image_request(
        "a stable",
        {"source_image": b"one", "source_mask": b"two", "source_processing": "inpainting", "denoising_strength": 0.5},
    )

    assert (request.source_image, request.source_mask, request.source_processing) == ("b25l", "dHdv", "inpainting")
    assert request.params.denoising_strength == 0.5


def test_without_a_picture_none_is_named() -> None:
    request = image_request("a stable", {"source_image": None, "source_mask": None, "denoising_strength": None})

    assert (request.source_image, request.source_mask, request.params.denoising_strength) == (UNSET, UNSET, UNSET)


@pytest.mark.parametrize(
    ("options", "word"),
    [({"width": 100}, "width"), ({"n": 21}, "n"), ({"steps": 0}, "steps"), ({"height": 4096}, "height")],
)
def test_values_out_of_bounds_are_refused_before_anything_is_sent(options: ImageOptions, word: str) -> None:
    with pytest.raises(BadInput, match=rf"params\.{word}`"):
        image_request("a stable", options)
