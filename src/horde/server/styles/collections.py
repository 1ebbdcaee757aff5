"""Collections of styles, of which a request gets one by chance. Source: contract/api-v2.md, section 10."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from cachetools import LRUCache

from horde.errors import BadInput, DeletedUser, Refused
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.styles.manage import refuse_others
from horde.server.styles.names import SHOWN_MAX, Ref, checked_name, ref, uuid_or_none
from horde.server.styles.pick import forget_picks
from horde.server.styles.read import LISTED_FOR, PAGE, PAGES_MAX, PAGES_REMEMBERED, Order, Style, sql, styles_named
from horde.server.styles.refusals import CollectionNotFound, StyleMismatch, StylesAnonForbidden

COLLECTIONS_MAX = 1000
"""Collections of one account."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A style of a collection."""

    id: UUID
    name: str


class Collection(msgspec.Struct, frozen=True, kw_only=True):
    """Styles of one kind under one name."""

    id: UUID
    kind: str
    user_id: int
    owner: str
    name: str
    info: str | None
    is_public: bool
    use_count: int
    created_at: datetime
    styles: Sequence[Member]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionContent:
    """What its owner says of a collection. None: stays as it is."""

    name: str | None = None
    info: str | None = None
    is_public: bool | None = None
    styles: tuple[str, ...] | None = None
    """Ids or names."""


class _Listed:
    """Pages of collections that were read lately."""

    def __init__(self) -> None:
        self.pages: LRUCache[tuple[object, ...], tuple[datetime, list[Collection]]] = LRUCache(PAGES_REMEMBERED)


def _collection(**columns: object) -> Collection:
    return msgspec.convert(columns, Collection)


async def page_of_collections(ctx: Context, *, kind: str | None, order: Order, page: int) -> list[Collection]:
    """The public collections, of a kind or of all, from page 1 on; a few seconds old perhaps."""
    if not 1 <= page <= PAGES_MAX:
        return []
    pages, asked = ctx.remembered(_Listed).pages, (kind, order, page)
    fresh = LISTED_FOR if ctx.services.settings.refresh_s else timedelta(0)
    if (known := pages.get(asked)) and ctx.now - known[0] < fresh:
        return known[1]
    query = sql.aged_collections if order == "age" else sql.popular_collections
    async with ctx.database.statement() as tx:
        found = await tx.all(query, _collection, kind=kind, limit=PAGE, skipped=(page - 1) * PAGE)
    pages[asked] = ctx.now, found
    return found


async def collection_by_id(ctx: Context, text: str) -> Collection:
    """A collection by its id as it was written. Raises CollectionNotFound."""
    collection_id = uuid_or_none(text)
    return await _one(ctx, None if collection_id is None else Ref(name="", id=collection_id), text)


async def collection_by_name(ctx: Context, text: str) -> Collection:
    """A collection by one of the forms of its name. Raises CollectionNotFound."""
    found = ref(text)
    return await _one(ctx, None if found is None or found.sort == "style" else found, text)


async def _one(ctx: Context, asked: Ref | None, text: str) -> Collection:
    found = None
    if asked is not None:
        async with ctx.database.statement() as tx:
            found = await tx.maybe(
                sql.collection_named, _collection, id=asked.id, name=asked.name, owner=asked.owner,
                owner_id=asked.owner_id,
            )  # fmt: skip
    if found is None:
        raise CollectionNotFound(f"Collection {text[:SHOWN_MAX]!r} not found.")
    return found


async def make_collection(
    ctx: Context, owner: User, *, name: str, info: str | None, is_public: bool, styles: tuple[str, ...]
) -> UUID:
    """Collect styles, also those of others.

    Raises DeletedUser, StylesAnonForbidden, and BadInput: for a name that its owner uses already, for too many
    collections, for unknown styles and for such of several kinds.
    """
    if owner.is_deleted:
        raise DeletedUser
    if owner.is_anonymous:
        raise StylesAnonForbidden
    name, collection_id = checked_name(name), uuid.uuid4()
    async with ctx.database.transaction() as tx:
        members = await _members(tx, styles)
        if (number := await tx.value(sql.number_of_collections, int, user_id=owner.id) or 0) >= COLLECTIONS_MAX:
            raise BadInput(f"You have {number} collections, which is as many as an account may have.")
        added = await tx.run(
            sql.add_collection, id=collection_id, kind=members[0].kind, user_id=owner.id, name=name, info=info,
            is_public=is_public, now=ctx.now,
        )  # fmt: skip
        if not added:
            raise _taken(name)
        await tx.run(sql.add_members, id=collection_id, styles=[style.id for style in members])
    forget_picks(ctx)
    return collection_id


async def change_collection(ctx: Context, caller: User, collection: Collection, content: CollectionContent) -> None:
    """Change what is given of a collection. Its owner may. Raises Refused, and BadInput as `make_collection` does."""
    if caller.id != collection.user_id:
        raise Refused(f"The collection {collection.name!r} is not yours, so you cannot change it.")
    name = None if content.name is None else checked_name(content.name)
    async with ctx.database.transaction() as tx:
        if name and await tx.values(sql.collection_namesakes, UUID, user_id=caller.id, name=name, but=collection.id):
            raise _taken(name)
        members = None if content.styles is None else await _members(tx, content.styles)
        await tx.run(
            sql.change_collection,
            id=collection.id,
            kind=members[0].kind if members else None,
            name=name,
            info=content.info,
            is_public=content.is_public,
        )
        if members:
            await tx.run(sql.empty_collection, id=collection.id)
            await tx.run(sql.add_members, id=collection.id, styles=[style.id for style in members])
    forget_picks(ctx)


async def delete_collection(ctx: Context, caller: User, collection: Collection) -> None:
    """Delete a collection; its styles stay. Its owner may, and moderators. Raises StylesAnonForbidden and Refused."""
    refuse_others(caller, collection.user_id, f"The collection {collection.name!r} is not yours.")
    async with ctx.database.statement() as tx:
        await tx.run(sql.delete_collection, id=collection.id)
    forget_picks(ctx)


def check_styles(styles: Sequence[str]) -> None:
    """Raise BadInput where there is none."""
    if not styles:
        raise BadInput("A collection has one style at least.", hint="name some in `styles`.")


async def _members(tx: Tx, texts: Sequence[str]) -> list[Style]:
    """The styles of these ids or names, each once. Raises BadInput and StyleMismatch."""
    refs = [ref(text) for text in texts]
    asked = [None if found is None or found.sort == "collection" else found for found in refs]
    found: dict[UUID, Style] = {}
    for text, style in zip(texts, await styles_named(tx, asked), strict=True):
        if style is None:
            raise BadInput(f"Style {text[:SHOWN_MAX]!r} not found.")
        found[style.id] = style
    members = list(found.values())
    first = members[0]
    for style in members:
        if style.kind != first.kind:
            raise StyleMismatch(
                f"A collection is for one kind: {first.name!r} is for {first.kind} requests, {style.name!r} for"
                f" {style.kind} ones."
            )
    return members


def _taken(name: str) -> BadInput:
    return BadInput(f"You have a collection called {name!r}.", hint="choose another name.")
