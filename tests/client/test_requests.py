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


@pytest.mark.parametrize(
    ("options", "word"),
    [({"width": 100}, "width"), ({"n": 21}, "n"), ({"steps": 0}, "steps"), ({"height": 4096}, "height")],
)
def test_values_out_of_bounds_are_refused_before_anything_is_sent(options: ImageOptions, word: str) -> None:
    with pytest.raises(BadInput, match=rf"params\.{word}`"):
        image_request("a stable", options)
