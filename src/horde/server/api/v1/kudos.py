"""Kudos for others, in v1. Source: contract/api-v1.md, section 4."""

from __future__ import annotations

from dataclasses import dataclass

from litestar import MediaType, Router, post
from litestar.openapi.spec import OpenAPIType, Operation, Schema

from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.api.casts import whole
from horde.server.api.connection import AnyRequest, Ctx, IdempotencyKey, idempotency_key
from horde.server.api.documentation import json_body
from horde.server.api.v1.arguments import BARE_TEXTS, arguments
from horde.server.ledger.gifts import transfer
from horde.units import kudos_on_the_wire
from horde.wire import v1

REQUIRED = ("username", "api_key")


@dataclass
class DescribedTransfer(Operation):
    """The operation in the document, with its body."""

    def __post_init__(self) -> None:
        text, number = Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.INTEGER)
        example = {"username": "robin#1", "api_key": ANONYMOUS_KEY}
        self.request_body = json_body({"username": text, "api_key": text, "amount": number}, example=example)


@post(
    "/transfer",
    operation_class=DescribedTransfer,
    status_code=200,
    media_type=MediaType.JSON,
    summary="Give kudos away",
)
async def transfer_kudos(request: AnyRequest, ctx: Ctx, key: IdempotencyKey = None) -> v1.Transfered:
    """Give somebody whole kudos of your own."""
    asked = await arguments(request, v1.Transfer, required=REQUIRED)
    user = await authenticate(ctx, asked.api_key)
    once = await idempotency_key(request, user, key)
    given = await transfer(ctx, user, asked.username, whole("amount", asked.amount), once)
    return v1.Transfered(kudos_on_the_wire(given))


router = Router("/kudos", route_handlers=[transfer_kudos], exception_handlers=BARE_TEXTS, tags=["API v1"])
