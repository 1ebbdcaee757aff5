"""For tests of clients, on the server's own machine. Source: contract/api-v2.md, section 11."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Annotated

import msgspec
from litestar import MediaType, Response, Router, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from msgspec import Meta

from horde.errors import BadInput, TooLongUserName
from horde.server.accounts.dev_user import Wish, dev_user
from horde.server.api.body import decode
from horde.server.api.connection import AnyRequest, Ctx, address_of
from horde.server.api.errors import BadPayload
from horde.units import kudos, kudos_on_the_wire

KUDOS_MAX = 10**12


class Wanted(msgspec.Struct, kw_only=True):
    """The account that a test wants; the same `oauth_id` is the same account."""

    username: str
    oauth_id: Annotated[str, Meta(min_length=1, max_length=200)]
    moderator: bool = True
    trusted: bool = True
    kudos: Annotated[int, Meta(ge=0, le=KUDOS_MAX)] | None = 10_000


class Given(msgspec.Struct, kw_only=True):
    """The account, with a key that is shown this once."""

    api_key: str
    user_id: str
    username: str
    alias: str
    kudos: float
    trusted: bool
    moderator: bool
    created: bool


@post("/test-user", include_in_schema=False)
async def make_test_user(request: AnyRequest, ctx: Ctx) -> Response[Given] | Response[dict[str, str]]:
    """An account with the wished roles, where the operator lets tests make them: nowhere by itself."""
    if not ctx.services.settings.test_apikeys:
        raise NotFoundException
    if not _is_from_here(request):
        raise PermissionDeniedException("Accounts for tests are only made for programs on the server's own machine.")
    try:
        wanted = decode(await request.body(), Wanted)
        wish = Wish(
            name=wanted.username,
            oauth_id=wanted.oauth_id,
            is_moderator=wanted.moderator,
            is_trusted=wanted.trusted,
            kudos=None if wanted.kudos is None else kudos(wanted.kudos),
        )
        made = await dev_user(ctx, wish)
    except BadPayload as error:
        [(path, reason)] = error.errors.items()
        return Response({"message": f"{path}: {reason}"}, status_code=400)
    except (BadInput, TooLongUserName) as error:
        return Response({"message": error.sentence}, status_code=400)
    answer = Given(
        api_key=made.key,
        user_id=str(made.user.id),
        username=made.user.name,
        alias=made.user.alias,
        kudos=kudos_on_the_wire(made.kudos),
        trusted=made.user.is_trusted,
        moderator=made.user.is_moderator,
        created=made.is_new,
    )
    return Response(answer, status_code=201 if made.is_new else 200, media_type=MediaType.JSON)


def _is_from_here(request: AnyRequest) -> bool:
    # Behind a proxy on this machine everybody seems to be here, unless the proxy says for whom it calls.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ip_address(address_of(request)).is_loopback
    except ValueError:
        return False


router = Router("/dev", route_handlers=[make_test_user])
