"""Filters of prompts, for moderators. Source: contract/api-v2.md, section 9."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET

from horde.server.api.auth import ApiKey, moderator
from horde.server.api.body import StrictJson
from horde.server.api.casts import whole
from horde.server.api.connection import Ctx
from horde.server.moderation import filters as filtering
from horde.server.moderation import prompts
from horde.server.moderation.filterset import SUSPECTED_TYPES, Filter
from horde.server.moderation.watch import watched
from horde.wire import v2_moderation

FilterType = Annotated[
    int | None, QueryParameter(required=False, ge=0, le=2**31, description="Only filters of this type, 10 to 29.")
]
Contains = Annotated[
    str | None, QueryParameter(required=False, description="Only filters whose expression contains this text.")
]


@get("/", summary="Filters")
async def list_filters(
    ctx: Ctx, api_key: ApiKey, filter_type: FilterType = None, contains: Contains = None
) -> list[v2_moderation.FilterAnswer]:
    """All filters, in the order in which they were made."""
    await moderator(ctx, api_key)
    return [_answer(found) for found in await filtering.filters(ctx, filter_type=filter_type, contains=contains)]


@put("/", dto=StrictJson[v2_moderation.NewFilter], return_dto=None, summary="Add a filter")
async def add_filter(ctx: Ctx, data: JSONBody[v2_moderation.NewFilter], api_key: ApiKey) -> v2_moderation.FilterAnswer:
    """A regular expression, as RE2 knows them, in any case of letters; one that is there already is left as it is.

    A prompt is refused that a filter of type 10 or 11 hits and one of type 20 too. What filters of type 10 hit is
    replaced by their `replacement` where the requestor wants that instead.
    """
    added = await filtering.add_filter(
        ctx,
        await moderator(ctx, api_key),
        regex=data.regex,
        filter_type=data.filter_type,
        description=None if data.description is UNSET else data.description,
        replacement=data.replacement,
    )
    return _answer(added)


@post("/", status_code=200, dto=StrictJson[v2_moderation.TryFilters], return_dto=None, summary="Try a prompt")
async def try_prompt(
    ctx: Ctx, data: JSONBody[v2_moderation.TryFilters], api_key: ApiKey
) -> v2_moderation.FilterVerdict:
    """What the filters say of a prompt, without consequences: from a suspicion of 2 on it would be refused."""
    filter_type = None if data.filter_type is UNSET else whole("filter_type", data.filter_type)
    await moderator(ctx, api_key)
    filters = (await watched(ctx)).filters
    suspicion, hits = await asyncio.to_thread(prompts.matches, filters, str(data.prompt), filter_type)
    return v2_moderation.FilterVerdict(str(suspicion), hits)


@get("/regex", summary="Filters as one expression")
async def read_regexes(ctx: Ctx, api_key: ApiKey, filter_type: FilterType = None) -> list[v2_moderation.FilterRegex]:
    """All filters of each of the types 10, 11 and 20 joined, or of the type asked for."""
    await moderator(ctx, api_key)
    filters = (await watched(ctx)).filters
    types = SUSPECTED_TYPES if filter_type is None else (filter_type,)
    return [v2_moderation.FilterRegex(one, filters.of(one).regex or UNSET) for one in types]


@get("/{filter_id:str}", summary="One filter")
async def read_filter(ctx: Ctx, filter_id: FromPath[str], api_key: ApiKey) -> v2_moderation.FilterAnswer:
    """A filter by its id."""
    number = filtering.filter_id(filter_id)
    await moderator(ctx, api_key)
    return _answer(await filtering.filter_by_id(ctx, number))


@patch("/{filter_id:str}", dto=StrictJson[v2_moderation.FilterChange], return_dto=None, summary="Change a filter")
async def change_filter(
    ctx: Ctx, filter_id: FromPath[str], data: JSONBody[v2_moderation.FilterChange], api_key: ApiKey
) -> v2_moderation.FilterAnswer:
    """Change what is given of a filter. Empty texts and 0 count as not given."""
    await moderator(ctx, api_key)
    changed = await filtering.change_filter(
        ctx,
        filtering.filter_id(filter_id),
        regex=data.regex,
        filter_type=data.filter_type,
        description=data.description,
        replacement=data.replacement,
    )
    return _answer(changed)


@delete("/{filter_id:str}", status_code=200, summary="Delete a filter")
async def remove_filter(ctx: Ctx, filter_id: FromPath[str], api_key: ApiKey) -> v2_moderation.Done:
    """Delete a filter; it hits nothing from then on."""
    await moderator(ctx, api_key)
    await filtering.delete_filter(ctx, filtering.filter_id(filter_id))
    return v2_moderation.Done()


def _answer(found: Filter) -> v2_moderation.FilterAnswer:
    return v2_moderation.FilterAnswer(
        id=str(found.id),
        regex=found.regex,
        filter_type=found.filter_type,
        description=found.description or UNSET,
        replacement=found.replacement,
        user=found.made_by or "",
    )


router = Router(
    "/filters",
    route_handlers=[
        list_filters, add_filter, try_prompt, read_regexes, read_filter, change_filter, remove_filter,
    ],
    tags=["Moderation"],
)  # fmt: skip
