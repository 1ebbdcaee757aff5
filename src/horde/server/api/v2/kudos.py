"""Kudos for others. Source: contract/api-v2.md, section 6.4."""

from __future__ import annotations

from litestar import Router, post
from litestar.di import Provide
from litestar.params import JSONBody

from horde.server.api.auth import Caller, provide_user
from horde.server.api.body import StrictJson
from horde.server.api.casts import whole
from horde.server.api.connection import AnyRequest, Ctx, IdempotencyKey, idempotency_key
from horde.server.ledger.gifts import award, transfer
from horde.units import kudos_on_the_wire
from horde.wire import v2_accounts


@post("/transfer", status_code=200, dto=StrictJson[v2_accounts.Transfer], return_dto=None, summary="Give kudos away")
async def transfer_kudos(
    request: AnyRequest, ctx: Ctx, user: Caller, data: JSONBody[v2_accounts.Transfer], key: IdempotencyKey = None
) -> v2_accounts.Transferred:
    """Give somebody whole kudos of your own. What your account keeps as its floor, and what is held, stays."""
    once = await idempotency_key(request, user, key)
    given = await transfer(ctx, user, str(data.username), whole("amount", data.amount), once)
    return v2_accounts.Transferred(kudos_on_the_wire(given))


@post("/award", status_code=200, dto=StrictJson[v2_accounts.Transfer], return_dto=None, summary="Award kudos")
async def award_kudos(ctx: Ctx, user: Caller, data: JSONBody[v2_accounts.Transfer]) -> v2_accounts.Awarded:
    """Give somebody kudos out of nothing: for who runs the horde."""
    return v2_accounts.Awarded(
        kudos_on_the_wire(await award(ctx, user, str(data.username), whole("amount", data.amount)))
    )


router = Router(
    "/kudos",
    route_handlers=[transfer_kudos, award_kudos],
    dependencies={"user": Provide(provide_user)},
    tags=["Kudos"],
)
