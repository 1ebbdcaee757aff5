"""Models and parameters of special users, who try out what no other worker knows.

A special model is called `horde_special::alias#id` after the account that owns it: only its workers offer it, and only
its own requests name it. Source: contract/lifecycle.md, section 2, rows 19 and 21, and section 6, "Model acceptance".
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET

from horde.errors import BadInput
from horde.errors.sharing import (
    SpecialFieldNeedsSpecialUser,
    SpecialForbidden,
    SpecialMissingPayload,
    SpecialMissingUsername,
    SpecialModelNeedsSpecialUser,
)
from horde.kinds.base import Draft, Person
from horde.kinds.image_params import ImageParams
from horde.kinds.models import MARKS

SEPARATOR = "::"
SHOWN_MAX = 80


def check_asker(draft: Draft[ImageParams], person: Person) -> None:
    """Refuse special models and parameters to who may not use them."""
    special = [model for model in draft.models if is_special(model)]
    if special and not person.is_special:
        raise SpecialModelNeedsSpecialUser
    for model in special:
        _, separator, alias = model.rpartition(SEPARATOR)
        if not separator or not alias:
            raise SpecialMissingUsername(f"The special model {model[:SHOWN_MAX]!r} does not tell whose it is.")
        if alias != person.alias:
            raise SpecialForbidden(f"The special model {model[:SHOWN_MAX]!r} is not yours: you are {person.alias}.")
    if special and not draft.params.special:
        raise SpecialMissingPayload
    if draft.params.special is not UNSET and not person.is_special:
        raise SpecialFieldNeedsSpecialUser


def check_server(models: Collection[str], person: Person) -> None:
    """Refuse special models of others: requests for them are not for everybody's eyes."""
    for model in models:
        if is_special(model) and not (person.is_special and model.endswith(SEPARATOR + person.alias)):
            raise BadInput(
                f"Unfortunately we cannot accept workers serving the special model {model[:SHOWN_MAX]!r} of another"
                " account.",
                hint="special users offer their own, horde_special::alias#id.",
            )


def is_special(model: str) -> bool:
    """Whether it is one of the models that belong to an account."""
    return MARKS["special"] in model.lower()
