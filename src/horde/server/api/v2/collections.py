"""Collections of styles. Source: contract/api-v2.md, section 10."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from horde.server.accounts.keys import authenticate
from horde.server.api.auth import ApiKey
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.api.v2 import styles_translate as translate
from horde.server.api.v2.styles import Page, Sort
from horde.server.styles import collections
from horde.wire import v2_styles

Type = Annotated[
    Literal["all", "image", "text"],
    QueryParameter(name="type", required=False, description="Only those of styles for these."),
]


@get("/", summary="Collections")
async def list_collections(
    ctx: Ctx,
    sort: Sort = "popular",
    page: Page = 1,
    kind: Type = "all",
) -> list[v2_styles.CollectionAnswer]:
    """Public collections, 25 a page; a few seconds old perhaps."""
    found = await collections.page_of_collections(ctx, kind=None if kind == "all" else kind, order=sort, page=page)
    return [translate.collection_answer(one) for one in found]


@post("/", status_code=200, dto=StrictJson[v2_styles.NewCollection], return_dto=None, summary="Make a collection")
async def make_collection(ctx: Ctx, data: JSONBody[v2_styles.NewCollection], api_key: ApiKey) -> v2_styles.Saved:
    """Collect styles, also those of others; a request that names the collection gets one of them by chance."""
    collections.check_styles(data.styles)
    made = await collections.make_collection(
        ctx,
        await authenticate(ctx, api_key),
        name=data.name,
        info=None if data.info is UNSET else data.info or None,
        is_public=data.public,
        styles=tuple(data.styles),
    )
    return v2_styles.Saved(id=str(made), warnings=[])


@get("/{collection_id:str}", summary="One collection")
async def read_collection(ctx: Ctx, collection_id: FromPath[str]) -> v2_styles.CollectionAnswer:
    """A collection by its id."""
    return translate.collection_answer(await collections.collection_by_id(ctx, collection_id))


@get("/collection_by_name/{collection_name:str}", tags=["Styles"], summary="One collection by its name")
async def read_collection_by_name(ctx: Ctx, collection_name: FromPath[str]) -> v2_styles.CollectionAnswer:
    """A collection by `name`, `collection::name`, `alias#id::name` or `collection::alias#id::name`; capitals count."""
    return translate.collection_answer(await collections.collection_by_name(ctx, collection_name))


@patch(
    "/{collection_id:str}", dto=StrictJson[v2_styles.CollectionChange], return_dto=None, summary="Change a collection"
)
async def change_collection(
    ctx: Ctx, collection_id: FromPath[str], data: JSONBody[v2_styles.CollectionChange], api_key: ApiKey
) -> v2_styles.Saved:
    """Change a collection of one's own; `styles` takes the place of all that are in it."""
    if data.styles is not UNSET:
        collections.check_styles(data.styles)
    caller = await authenticate(ctx, api_key)
    found = await collections.collection_by_id(ctx, collection_id)
    await collections.change_collection(ctx, caller, found, translate.collection_content(data))
    return v2_styles.Saved(id=str(found.id), warnings=[])


@delete("/{collection_id:str}", status_code=200, summary="Delete a collection")
async def delete_collection(ctx: Ctx, collection_id: FromPath[str], api_key: ApiKey) -> v2_styles.Done:
    """Delete a collection; its owner may, and moderators. Its styles stay."""
    caller = await authenticate(ctx, api_key)
    await collections.delete_collection(ctx, caller, await collections.collection_by_id(ctx, collection_id))
    return v2_styles.Done()


router = Router(
    "/collections",
    route_handlers=[list_collections, make_collection, read_collection, change_collection, delete_collection],
    tags=["Styles"],
)
