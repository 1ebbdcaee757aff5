"""Accounts. Source: contract/api-v2.md, section 6."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, put
from litestar.params import FromPath, JSONBody, QueryParameter

from horde.errors import InvalidAPIKey, UserNotFound
from horde.server.accounts.change import change
from horde.server.accounts.keys import authenticate
from horde.server.accounts.leave import leave
from horde.server.accounts.sharedkeys import authenticate_asker
from horde.server.accounts.users import user_by_id
from horde.server.api.auth import ApiKey, OptionalApiKey
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.api.v2.users_translate import answer, changed, changes, listed
from horde.server.status.account import account, page_of_accounts
from horde.wire import v2_accounts

Page = Annotated[int, QueryParameter(required=False, description="From 1 on; 25 accounts each.")]
Sort = Annotated[
    str, QueryParameter(required=False, description="`kudos`: who has most comes first; `age`: who came first.")
]


@get("/find_user", tags=["Accounts"], summary="Who am I?")
async def find_user(ctx: Ctx, api_key: OptionalApiKey = None) -> v2_accounts.UserAnswer:
    """The account of the key in the header; with a shared key, what everybody may see of its owner."""
    if not api_key:
        raise InvalidAPIKey
    try:
        asker = await authenticate_asker(ctx, api_key)
    except InvalidAPIKey:
        # Clients tell "no key" (401) from "a key that nobody has" (404).
        raise UserNotFound("No user matches this API key.") from None
    found = await account(ctx, asker.user)
    if asker.shared is None:
        return answer(ctx, found, seen_by=asker.user)
    seen = answer(ctx, found, seen_by=None)
    seen.username += f" (Shared Key: {asker.shared.name})" if asker.shared.name else " (Shared Key)"
    return seen


@get("/", summary="Accounts")
async def list_users(ctx: Ctx, page: Page = 1, sort: Sort = "kudos") -> list[v2_accounts.ListedUser]:
    """All accounts, a page at a time; who comes in the list is a few seconds old perhaps."""
    found = await page_of_accounts(ctx, order="age" if sort == "age" else "kudos", page=page)
    return [listed(ctx, one) for one in found]


@get("/{user_id:str}", summary="One account")
async def read_user(ctx: Ctx, user_id: FromPath[str], api_key: OptionalApiKey = None) -> v2_accounts.UserAnswer:
    """An account. Its own key and those of moderators see more of it."""
    user = await user_by_id(ctx, user_id)
    caller = await authenticate(ctx, api_key) if api_key else None
    return answer(ctx, await account(ctx, user), seen_by=caller)


@put("/{user_id:str}", dto=StrictJson[v2_accounts.UserChange], return_dto=None, summary="Change an account")
async def change_user(
    ctx: Ctx, user_id: FromPath[str], data: JSONBody[v2_accounts.UserChange], api_key: ApiKey
) -> v2_accounts.UserChanged:
    """Change one's own account, or as a moderator or an admin also others'. All that is wanted is done, or nothing."""
    target = await user_by_id(ctx, user_id)
    caller = await authenticate(ctx, api_key)
    return changed(await change(ctx, caller, target, changes(data)), data)


@delete("/{user_id:str}", status_code=200, summary="Delete an account")
async def delete_user(ctx: Ctx, user_id: FromPath[str], api_key: OptionalApiKey = None) -> v2_accounts.Done:
    """Shut an account, for its owner and moderators; it can neither ask nor serve, until `undelete` takes that back.

    Called again after thirty days, its name and keys are wiped for good.
    """
    target = await user_by_id(ctx, user_id)
    # The contract lets the header be left out here, and then needs it.
    if not api_key:
        raise InvalidAPIKey
    await leave(ctx, await authenticate(ctx, api_key), target)
    return v2_accounts.Done()


router = Router("/users", route_handlers=[list_users, read_user, change_user, delete_user], tags=["Accounts"])
