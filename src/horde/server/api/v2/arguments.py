"""What the routes of every kind take, and a pop that waits as its caller prefers."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

from litestar.di import Provide
from litestar.params import HeaderParameter, PathParameter

from horde.server.accounts.users import User
from horde.server.api.auth import provide_asker, provide_user
from horde.server.api.connection import AnyRequest, watch
from horde.server.context import Context
from horde.server.requests.lease import Popped
from horde.server.requests.pop import Ask, Idle, pop, pop_several, pop_waiting
from horde.server.requests.wait import WAIT_S_MAX

T = TypeVar("T")

PREFER_WAIT = re.compile(r"\bwait\s*=\s*(\d{1,5})\b", re.IGNORECASE)

ClientAgent = Annotated[
    str,
    HeaderParameter(name="Client-Agent", required=False, description="`name:version:contact` of the calling program."),
]
Prefer = Annotated[
    str,
    HeaderParameter(
        name="Prefer", required=False, description="`wait=N`: answer an idle pop only after N seconds (RFC 7240)."
    ),
]
RequestId = Annotated[str, PathParameter(description="The `id` that generate/async answered.")]

authenticated = {"user": Provide(provide_user)}
asked_by_key = {"asker": Provide(provide_asker)}


async def pop_as_preferred(
    request: AnyRequest, ctx: Context, user: User, ask: Ask, prefer: str
) -> tuple[Popped | Idle, dict[str, str] | None]:
    """What `ask` got, after as long a wait as `prefer` names, and the headers that say so."""
    return await _as_preferred(request, ctx, user, ask, prefer, pop)


async def pop_several_as_preferred(
    request: AnyRequest, ctx: Context, user: User, ask: Ask, prefer: str
) -> tuple[list[Popped] | Idle, dict[str, str] | None]:
    """The same for jobs of several requests."""
    return await _as_preferred(request, ctx, user, ask, prefer, pop_several)


async def _as_preferred(
    request: AnyRequest,
    ctx: Context,
    user: User,
    ask: Ask,
    prefer: str,
    verb: Callable[[Context, User, Ask], Awaitable[T | Idle]],
) -> tuple[T | Idle, dict[str, str] | None]:
    asked = PREFER_WAIT.search(prefer)
    wait_s = min(float(asked[1]), WAIT_S_MAX) if asked else 0.0
    if wait_s:
        async with watch(request) as is_gone:
            answer = await pop_waiting(ctx, user, ask, verb=verb, wait_s=wait_s, is_gone=is_gone)
    else:
        answer = await verb(ctx, user, ask)
    return answer, {"Preference-Applied": f"wait={wait_s:.0f}"} if asked else None
