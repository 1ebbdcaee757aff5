"""Styles, for looking at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec
from cachetools import LRUCache

from horde.errors import Missing, StyleNotFound
from horde.server.accounts.sharedkeys import SharedKey
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.db.queries import load
from horde.server.styles.names import NUL, SHOWN_MAX, Ref, ref, rows, uuid_or_none
from horde.server.styles.refusals import StyleMismatch

sql = load(__package__)

Order = Literal["popular", "age"]
PAGE = 25
PAGES_MAX = 10_000
LISTED_FOR = timedelta(seconds=10)
"""How old a page of a list may be; the public horde's is up to 30 s old."""
PAGES_REMEMBERED = 50


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that shows what a style makes."""

    id: UUID
    url: str
    is_primary: bool


class Style(msgspec.Struct, frozen=True, kw_only=True):
    """A ready-made way of asking."""

    id: UUID
    kind: str
    user_id: int
    owner: str
    """The name of its author."""
    name: str
    info: str | None
    prompt: str
    params: Mapping[str, object]
    """What its author named, and no more."""
    is_public: bool
    """Whether it is in the lists; whoever knows its name or id may use it in any case."""
    is_nsfw: bool
    tags: Sequence[str]
    models: Sequence[str]
    use_count: int
    created_at: datetime
    examples: Sequence[Example] = ()
    shared_key: SharedKey | None = None
    """Of its author's, which pays for requests in it."""

    @property
    def creator(self) -> str:
        """`name#id` of its author."""
        return f"{self.owner}#{self.user_id}"


class StyleName(msgspec.Struct, frozen=True, kw_only=True):
    """Which style it is, without what it does."""

    id: UUID
    kind: str
    user_id: int
    name: str
    is_public: bool


class Listed:
    """Pages of styles that were read lately."""

    def __init__(self) -> None:
        self.pages: LRUCache[tuple[object, ...], tuple[datetime, list[Style]]] = LRUCache(PAGES_REMEMBERED)


def style_of(**columns: object) -> Style:
    """A row as a style."""
    return msgspec.convert(columns, Style)


def _placed(place: int, **columns: object) -> tuple[int, Style]:
    return place, style_of(**columns)


async def page_of_styles(
    ctx: Context, kind: str, *, order: Order, page: int, tag: str | None = None, model: str | None = None
) -> list[Style]:
    """The public styles of a kind, from page 1 on; a few seconds old perhaps."""
    if not 1 <= page <= PAGES_MAX or NUL in (tag or "") or NUL in (model or ""):
        return []
    pages, asked = ctx.remembered(Listed).pages, (kind, order, page, tag, model)
    # A server that may remember nothing for a while remembers no page either.
    fresh = LISTED_FOR if ctx.services.settings.refresh_s else timedelta(0)
    if (known := pages.get(asked)) and ctx.now - known[0] < fresh:
        return known[1]
    query = sql.aged_styles if order == "age" else sql.popular_styles
    async with ctx.database.statement() as tx:
        found = await tx.all(query, style_of, kind=kind, tag=tag, model=model, limit=PAGE, skipped=(page - 1) * PAGE)
    pages[asked] = ctx.now, found
    return found


async def style_by_id(ctx: Context, text: str, kind: str, missing: type[Missing] = StyleNotFound) -> Style:
    """A style by its id as it was written. Raises `missing`, and StyleMismatch for one of another kind."""
    style_id = uuid_or_none(text)
    found = None if style_id is None else Ref(name="", id=style_id)
    return await _one(ctx, found, text, kind, missing)


async def style_by_name(ctx: Context, text: str, kind: str, missing: type[Missing] = StyleNotFound) -> Style:
    """A style by one of the forms of its name. Raises as `style_by_id`."""
    found = ref(text)
    return await _one(ctx, None if found is None or found.sort == "collection" else found, text, kind, missing)


async def _one(ctx: Context, asked: Ref | None, text: str, kind: str, missing: type[Missing]) -> Style:
    async with ctx.database.statement() as tx:
        [found] = await styles_named(tx, [asked], kind)
    if found is None:
        raise missing(f"{kind.capitalize()} style {text[:SHOWN_MAX]!r} not found.")
    if found.kind != kind:
        raise StyleMismatch(f"The style {found.name!r} is for {found.kind} requests, not for {kind} ones.")
    return found


async def styles_named(tx: Tx, refs: Sequence[Ref | None], kind: str | None = None) -> list[Style | None]:
    """What each of these means; where a name means several, one of this kind."""
    found = dict(await tx.all(sql.named, _placed, refs=rows(refs), kind=kind))
    return [found.get(place) for place in range(len(refs))]


async def styles_of_users(tx: Tx, users: Iterable[int]) -> dict[int, list[StyleName]]:
    """The styles of these accounts by name, unlisted ones included."""
    of_user: defaultdict[int, list[StyleName]] = defaultdict(list)
    for found in await tx.all(sql.styles_of_users, StyleName, users=sorted(set(users))):
        of_user[found.user_id].append(found)
    return of_user
