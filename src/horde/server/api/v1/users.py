"""Accounts, in v1. Source: contract/api-v1.md, section 4."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import MediaType, Response, Router, get, put
from litestar.openapi.spec import OpenAPIType, Operation, Schema
from litestar.params import FromPath
from msgspec import UNSET

from horde.errors import BadInput, UserNotFound
from horde.kinds import image
from horde.server.accounts.change import AdminChanges, Changes, ModeratorChanges, change
from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.accounts.users import user_by_id
from horde.server.api.connection import AnyRequest, Ctx
from horde.server.api.documentation import json_body
from horde.server.api.v1.arguments import BARE_TEXTS, arguments, bare
from horde.server.status.account import Account, account, page_of_accounts
from horde.units import PIXELSTEPS_PER_MPS, kudos, kudos_on_the_wire
from horde.wire import v1

LISTED_MAX = 1000
"""v1 has no pages: so many of the accounts with the most kudos are listed."""


@get("/", summary="Accounts")
async def list_users(ctx: Ctx) -> dict[str, v1.ListedUser]:
    """The thousand accounts with the most kudos, by name."""
    return {found.user.alias: _listed(found) for found in await page_of_accounts(ctx, order="kudos", size=LISTED_MAX)}


def _listed(found: Account) -> v1.ListedUser:
    totals = {name: kudos_on_the_wire(amount) for name, amount in found.balance.totals.items()}
    return v1.ListedUser(
        id=found.user.id,
        kudos=kudos_on_the_wire(found.kudos),
        kudos_details=v1.UserKudosDetails(
            accumulated=kudos_on_the_wire(found.balance.accumulated),
            gifted=totals.get("gifted", 0),
            admin=totals.get("admin", 0),
            received=totals.get("received", 0),
        ),
        usage=_usage(found),
        contributions=_contributions(found),
        concurrency=found.user.concurrency,
    )


def _usage(found: Account) -> v1.Usage:
    of_images = [record for record in found.records if record.kind == image.NAME]
    used = sum(record.used for record in of_images)
    return v1.Usage(round(used / PIXELSTEPS_PER_MPS, 2), sum(record.requests for record in of_images))


def _contributions(found: Account) -> v1.Contributions:
    of_images = [record for record in found.records if record.kind == image.NAME]
    given = sum(record.contributed for record in of_images)
    return v1.Contributions(round(given / PIXELSTEPS_PER_MPS, 2), sum(record.fulfilled for record in of_images))


@get("/{user_id:str}", media_type=MediaType.JSON, summary="One account")
async def read_user(ctx: Ctx, user_id: FromPath[str]) -> Response[v1.UserAnswer] | Response[bytes]:
    """An account."""
    try:
        found = await account(ctx, await user_by_id(ctx, user_id))
    except UserNotFound:
        return bare("Not found", 404)
    return Response(
        v1.UserAnswer(
            username=found.user.alias,
            kudos=kudos_on_the_wire(found.kudos),
            usage=_usage(found),
            contributions=_contributions(found),
            concurrency=found.user.concurrency,
        )
    )


@dataclass
class DescribedChange(Operation):
    """The operation in the document, with its body."""

    def __post_init__(self) -> None:
        text, number = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)
        factor = Schema(type=OpenAPIType.NUMBER)
        properties = {"api_key": text, "kudos": number, "concurrency": number, "usage_multiplier": factor}
        self.request_body = json_body(
            properties, example={"api_key": ANONYMOUS_KEY, "kudos": 100}, required=("api_key",)
        )


@put("/{user_id:str}", operation_class=DescribedChange, media_type=MediaType.JSON, summary="Change an account")
async def change_user(request: AnyRequest, ctx: Ctx, user_id: FromPath[str]) -> v1.UserChanged:
    """Admins change an account's kudos, concurrency or usage multiplier; 0 changes nothing."""
    asked = await arguments(request, v1.UserChange, required=("api_key",), casts=True)
    try:
        target = await user_by_id(ctx, user_id)
    except UserNotFound as error:
        # As v1 has it: what is wrong with the address is wrong with the call.
        raise BadInput(error.message) from error
    caller = await authenticate(ctx, asked.api_key)
    wanted = Changes(
        by_admin=AdminChanges(
            kudos=kudos(asked.kudos) if asked.kudos else None, usage_multiplier=asked.usage_multiplier or None
        ),
        by_moderator=ModeratorChanges(concurrency=asked.concurrency or None),
    )
    done = await change(ctx, caller, target, wanted)
    return v1.UserChanged(
        new_kudos=kudos_on_the_wire(done.kudos) if asked.kudos else UNSET,
        concurrency=done.user.concurrency if asked.concurrency else UNSET,
        usage_multiplier=done.user.usage_multiplier if asked.usage_multiplier else UNSET,
    )


router = Router(
    "/users", route_handlers=[list_users, read_user, change_user], exception_handlers=BARE_TEXTS, tags=["API v1"]
)
