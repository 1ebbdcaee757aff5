"""Which style a request means. What was looked up is remembered for a moment: some are asked for all the time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

import msgspec
from cachetools import LRUCache

from horde.errors import StyleNotFound
from horde.kinds import KINDS
from horde.server.context import Context
from horde.server.styles.names import SHOWN_MAX, ref
from horde.server.styles.read import Style, sql, style_of
from horde.server.styles.refusals import StyleMismatch

P = TypeVar("P", bound=msgspec.Struct)

REMEMBERED_FOR = timedelta(seconds=10)
"""A style that another process changed is used as it was for so long."""
STYLES_REMEMBERED = 2000
"""Styles at once, those of collections included: 60 MB, if each were as large as may be."""

Choose = Callable[[Sequence[Style]], Style]


@dataclass(frozen=True, slots=True, kw_only=True)
class StyleUse:
    """That a request uses a style."""

    style_id: UUID
    kind: str
    owner_id: int
    collection_id: UUID | None = None
    """Out of which it was picked."""
    shared_key_id: UUID | None = None
    """What pays for requests in it, where it can."""

    def is_foreign(self, user_id: int) -> bool:
        """Whether it is the style of somebody else than this account."""
        return self.owner_id != user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A style for one request."""

    style: Style
    collection_id: UUID | None = None

    @property
    def use(self) -> StyleUse:
        """What is counted and paid for it."""
        style = self.style
        return StyleUse(
            style_id=style.id, kind=style.kind, owner_id=style.user_id, collection_id=self.collection_id,
            shared_key_id=style.shared_key.id if style.shared_key else None,
        )  # fmt: skip

    def applied(self, prompt: str, params: P) -> tuple[str, P]:
        """A request's prompt and parameters in this style. Raises InvalidPromptSize."""
        rules = KINDS[self.style.kind].style_rules
        return rules.fill(self.style.prompt, prompt), rules.merged(params, self.style.params)


@dataclass(frozen=True, slots=True)
class _Meant:
    """What a text means: one style, or those of a collection."""

    read_at: datetime
    styles: list[Style]
    collection_id: UUID | None


class _Picks:
    """What texts meant lately, by kind and text."""

    def __init__(self) -> None:
        self.meant: LRUCache[tuple[str, str], _Meant] = LRUCache(
            STYLES_REMEMBERED, getsizeof=lambda found: len(found.styles)
        )


async def pick(ctx: Context, kind: str, text: str, *, choose: Choose = random.choice) -> Picked:
    """The style that a request of this kind means by its id or name; out of a collection, one that `choose` takes.

    Raises StyleNotFound, and StyleMismatch for a style of another kind.
    """
    meant = await _meant(ctx, kind, text)
    if meant is None:
        raise StyleNotFound(f"Style with ID or name {text[:SHOWN_MAX]!r} not found.")
    style = choose(meant.styles)
    if style.kind != kind:
        raise StyleMismatch(f"The style {style.name!r} is for {style.kind} requests, not for {kind} ones.")
    return Picked(style=style, collection_id=meant.collection_id)


def forget_picks(ctx: Context) -> None:
    """Look everything up again: a style or a collection was changed."""
    ctx.remembered(_Picks).meant.clear()


async def _meant(ctx: Context, kind: str, text: str) -> _Meant | None:
    picks = ctx.remembered(_Picks).meant
    fresh = REMEMBERED_FOR if ctx.services.settings.refresh_s else timedelta(0)
    if (known := picks.get((kind, text))) and ctx.now - known.read_at < fresh:
        return known
    asked = ref(text)
    if asked is None:
        return None
    async with ctx.database.statement() as tx:
        found = await tx.all(
            sql.meant, _member, id=asked.id, name=asked.name, sort=asked.sort, owner=asked.owner,
            owner_id=asked.owner_id, kind=kind,
        )  # fmt: skip
    if not found:
        return None
    meant = _Meant(ctx.now, [style for style, _ in found], found[0][1])
    picks[kind, text] = meant
    return meant


def _member(collection_id: UUID | None, place: int, **columns: object) -> tuple[Style, UUID | None]:
    return style_of(**columns), collection_id
