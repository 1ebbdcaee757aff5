"""Who calls: the key of a request to a user. The one place where keys are looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from litestar.di import NamedDependency
from litestar.params import HeaderParameter

from horde.errors import InvalidAPIKey, NotModerator
from horde.server.accounts.keys import authenticate
from horde.server.accounts.sharedkeys import Asker, authenticate_asker
from horde.server.accounts.users import User
from horde.server.api.connection import Ctx
from horde.server.context import Context

ApiKey = Annotated[
    str,
    HeaderParameter(name="apikey", description="The account's key; 0000000000 is the anonymous one."),
]
OptionalApiKey = Annotated[
    str | None,
    HeaderParameter(name="apikey", required=False, description="The account's key, where one is needed at all."),
]
Caller = NamedDependency[User]
"""How a handler asks for the account that calls."""
Asking = NamedDependency[Asker]
"""How a handler of requests asks for who asks: there shared keys are taken too, and nowhere else."""
AUTHENTICATIONS: Final[dict[str, Callable[[Context, str], Awaitable[object]]]] = {
    "user": authenticate,
    "asker": authenticate_asker,
}
"""What a key is taken for, by the name of the argument that a handler takes it as."""


async def provide_user(ctx: Ctx, api_key: ApiKey) -> User:
    """The caller's account, for handlers that need one.

    Raises InvalidAPIKey; a request without the header is refused as a bad argument before.
    """
    return await authenticate(ctx, api_key)


async def caller_by(ctx: Context, api_key: str | None) -> User:
    """The caller's account, where the contract lets the header be left out and then needs it. Raises InvalidAPIKey."""
    if not api_key:
        raise InvalidAPIKey
    return await authenticate(ctx, api_key)


async def moderator(ctx: Context, api_key: str) -> User:
    """The caller's account, for what only moderators may. Raises InvalidAPIKey, NotModerator."""
    user = await authenticate(ctx, api_key)
    if not user.is_moderator:
        raise NotModerator
    return user


async def is_moderators(ctx: Context, api_key: str | None) -> bool:
    """Whether this is the key of a moderator, for routes that take no notice of any other."""
    try:
        return bool(api_key) and (await authenticate(ctx, api_key or "")).is_moderator
    except InvalidAPIKey:
        return False


async def provide_asker(ctx: Ctx, api_key: ApiKey) -> Asker:
    """Whom a request is charged to, by a key of the account's own or by a shared one. Raises as `provide_user`."""
    return await authenticate_asker(ctx, api_key)
