"""Every refusal has its stable code, a sentence for the human, and its place in the drawn tree."""

import re

import pytest

from horde import errors
from horde.errors import HordeError, RequestNotFound, WrongCredentials, moderation, sharing

MODULES = (errors, moderation, sharing)
CLASSES = sorted(
    {
        found
        for module in MODULES
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, HordeError)
    },
    key=lambda error: error.__name__,
)


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_refusal_says_what_happened_without_being_told(error: type[HordeError]) -> None:
    assert error().message.endswith(".")
    assert 400 <= error.status < 600
    assert error.rc


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_drawn_tree_names_every_refusal(error: type[HordeError]) -> None:
    assert re.search(rf"\b{error.__name__}\b", "".join(module.__doc__ or "" for module in MODULES))


def test_code_is_the_name_of_the_class_unless_said_otherwise() -> None:
    assert (WrongCredentials.rc, errors.InvalidExtraTexts.rc) == ("WrongCredentials", "InvalidExtraTexts.")


def test_hint_follows_the_message_in_one_sentence() -> None:
    assert RequestNotFound("No such.", hint="look again.").sentence == "No such. Hint: look again."
    assert WrongCredentials("Not yours.").sentence == "Not yours."
