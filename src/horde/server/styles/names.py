"""By what a style or a collection is meant: its id, or its name in one of several forms (contract/api-v2.md, 10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from horde.errors import BadInput
from horde.server.accounts.users import ALIAS

Sort = Literal["style", "collection"]
SORTS: tuple[Sort, ...] = ("style", "collection")
BETWEEN = "::"
NUL = "\0"
"""In no name, no tag and no model; PostgreSQL takes none."""
SHOWN_MAX = 80
"""How much of a name that nothing has is said again in the refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """What somebody wrote to mean a style or a collection."""

    name: str
    id: UUID | None = None
    sort: Sort | None = None
    """Only this; None: a style, or where there is none a collection."""
    owner: str | None = None
    """With `owner_id`: only this account's."""
    owner_id: int | None = None

    def row(self, place: int = 0) -> dict[str, object]:
        """As the queries take it."""
        return {"place": place, "id": self.id, "name": self.name, "owner": self.owner, "owner_id": self.owner_id}


def ref(text: str) -> Ref | None:
    """What a text means: an id, `name`, `style::name`, `alias#id::name`, `style::alias#id::name`, or
    `alias#id::style::name`; the same with `collection`. None for what looks like none of them.
    """
    head, between, name = text.rpartition(BETWEEN)
    if NUL in text or (between and not head):
        return None
    sort, alias = _sort_and_alias(head)
    if alias:
        found = ALIAS.fullmatch(alias)
        return Ref(name=name, sort=sort, owner=found["name"], owner_id=int(found["id"])) if found else None
    return Ref(name=name, sort=sort, id=None if head else uuid_or_none(text))


def _sort_and_alias(head: str) -> tuple[Sort | None, str]:
    for sort in SORTS:
        if head == sort:
            return sort, ""
        if head.startswith(f"{sort}{BETWEEN}"):
            return sort, head.removeprefix(f"{sort}{BETWEEN}")
        if head.endswith(f"{BETWEEN}{sort}"):
            return sort, head.removesuffix(f"{BETWEEN}{sort}")
    return None, head


def uuid_or_none(text: str) -> UUID | None:
    """The id that a text is, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def checked_name(text: str) -> str:
    """A name as it is kept: spaces run together. Raises BadInput for one by which nobody could find what it names."""
    name = " ".join(text.split())
    if not name:
        raise BadInput("The name is empty.")
    if BETWEEN in name:
        raise BadInput(
            f"The name {name[:SHOWN_MAX]!r} has {BETWEEN!r} in it, which stands between an owner and a name."
        )
    return name


def rows(refs: Sequence[Ref | None]) -> list[dict[str, object]]:
    """References as the queries take them, each with its place; those that mean nothing are left out."""
    return [found.row(place) for place, found in enumerate(refs) if found is not None]
