"""What a kind refuses is said in whole sentences, and drawn in the tree of its module."""

import re

import pytest

from horde.errors import BadInput, ImageValidationFailed
from horde.kinds import image_refusals, text_refusals

REFUSALS = [
    (found, module)
    for module in (image_refusals, text_refusals)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, BadInput)
]


@pytest.mark.parametrize(("refusal", "module"), REFUSALS, ids=lambda found: found.__name__)
def test_refusal_says_what_happened_and_stands_in_the_drawn_tree(refusal: type[BadInput], module: object) -> None:
    assert refusal().message.endswith(".")
    assert re.search(rf"\b{refusal.__name__}\b", module.__doc__ or "")


@pytest.mark.parametrize("refusal", [found for found, _ in REFUSALS if issubclass(found, ImageValidationFailed)])
def test_refusal_of_a_picture_says_the_words_that_clients_look_for(refusal: type[BadInput]) -> None:
    assert "Image validation failed" in refusal().message
