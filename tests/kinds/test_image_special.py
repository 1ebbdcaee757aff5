"""Special models and parameters are for special users, and each model for its own."""

from typing import Any

import msgspec
import pytest

from horde.errors import BadInput, HordeError
from horde.errors.sharing import (
    SpecialFieldNeedsSpecialUser,
    SpecialForbidden,
    SpecialMissingPayload,
    SpecialMissingUsername,
    SpecialModelNeedsSpecialUser,
)
from horde.kinds.base import Draft, Person
from horde.kinds.image import KIND, ImageParams

ADA, ANYBODY = Person(alias="Ada#1", is_special=True), Person(alias="Ada#1", is_special=False)
OWN, OTHERS = "horde_special::Ada#1", "horde_special::Bob#2"
SPECIAL = {"special": {"what": "that"}}


def draft(*models: str, **params: Any) -> Draft[ImageParams]:
    return Draft(kind="image", prompt="x", params=msgspec.convert(params, ImageParams), models=models)


@pytest.mark.parametrize(
    ("person", "models", "params", "refusal"),
    [
        (ANYBODY, ["sdxl"], {}, None),
        (ADA, [OWN], SPECIAL, None),
        (ADA, ["horde_special::tests::Ada#1"], SPECIAL, None),
        (ADA, ["sdxl"], SPECIAL, None),
        (ANYBODY, [OWN], SPECIAL, SpecialModelNeedsSpecialUser),
        (ANYBODY, ["sdxl", "Horde_Special"], {}, SpecialModelNeedsSpecialUser),
        (ADA, ["horde_special"], SPECIAL, SpecialMissingUsername),
        (ADA, ["horde_special::"], SPECIAL, SpecialMissingUsername),
        (ADA, [OWN, OTHERS], SPECIAL, SpecialForbidden),
        (ADA, ["horde_special::Bob#2::Ada#11"], SPECIAL, SpecialForbidden),
        (ADA, ["horde_special::XAda#1"], SPECIAL, SpecialForbidden),
        (ADA, [OWN], {}, SpecialMissingPayload),
        (ADA, [OWN], {"special": {}}, SpecialMissingPayload),
        (ANYBODY, ["sdxl"], SPECIAL, SpecialFieldNeedsSpecialUser),
        (ANYBODY, [], {"special": {}}, SpecialFieldNeedsSpecialUser),
    ],
)
def test_who_may_ask_for_what(
    person: Person, models: list[str], params: dict[str, Any], refusal: type[HordeError] | None
) -> None:
    if refusal is None:
        KIND.check_asker(draft(*models, **params), person)
    else:
        with pytest.raises(refusal):
            KIND.check_asker(draft(*models, **params), person)


@pytest.mark.parametrize(
    ("person", "model", "is_taken"),
    [
        (ANYBODY, "sdxl", True), (ANYBODY, "sdxl::Bob#2", True), (ADA, OWN, True), (ADA, OTHERS, False),
        (ANYBODY, OWN, False), (ADA, "horde_special", False), (ADA, "horde_special::XAda#1", False),
        (ADA, "HORDE_SPECIAL::Bob#2", False),
    ],
)  # fmt: skip
def test_who_may_offer_what(person: Person, model: str, is_taken: bool) -> None:
    if is_taken:
        KIND.check_server(["sdxl", model], person)
    else:
        with pytest.raises(BadInput, match="we cannot accept workers serving the special model"):
            KIND.check_server(["sdxl", model], person)


def test_codes_are_those_of_the_wire() -> None:
    assert [(error.status, error.rc) for error in (SpecialModelNeedsSpecialUser, SpecialForbidden)] == [
        (403, "Forbidden"), (403, "Forbidden")
    ]  # fmt: skip
    assert (SpecialFieldNeedsSpecialUser.rc, SpecialMissingPayload.rc) == ("BadRequest", "SpecialMissingPayload")
    assert SpecialMissingUsername.rc == "SpecialMissingUsername"
