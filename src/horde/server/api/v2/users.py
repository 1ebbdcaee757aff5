"""Accounts. Source: contract/api-v2.md, section 6."""

from __future__ import annotations

from litestar import get

from horde.errors import InvalidAPIKey, UserNotFound
from horde.server.accounts.keys import authenticate
from horde.server.api.auth import OptionalApiKey
from horde.server.api.connection import Ctx
from horde.server.status.account import account
from horde.units import kudos_on_the_wire
from horde.wire import v2


@get("/find_user", tags=["Accounts"], summary="Who am I?")
async def find_user(ctx: Ctx, api_key: OptionalApiKey = None) -> v2.UserAnswer:
    """The account of the key in the header."""
    if not api_key:
        raise InvalidAPIKey
    try:
        user = await authenticate(ctx, api_key)
    except InvalidAPIKey:
        # Clients tell "no key" (401) from "a key that nobody has" (404).
        raise UserNotFound("No user matches this API key.") from None
    owned = await account(ctx, user)
    active = v2.ActiveGenerations()
    if owned.image_requests:
        active.image = [str(request_id) for request_id in owned.image_requests]
    amounts, work = v2.AmountByKind(), v2.Work()
    return v2.UserAnswer(
        username=user.alias,
        id=user.id,
        kudos=kudos_on_the_wire(owned.kudos),
        concurrency=user.concurrency,
        worker_invited=0,
        moderator=user.is_moderator,
        trusted=user.is_trusted,
        flagged=False,
        pseudonymous=user.is_pseudonymous,
        service=False,
        education=False,
        customizer=False,
        deleted=False,
        vpn=False,
        special=False,
        worker_count=owned.worker_count,
        account_age=max(round((ctx.now - user.created_at).total_seconds()), 0),
        kudos_details=v2.UserKudosDetails(),
        records=v2.UserRecords(work, work, amounts, amounts, amounts),
        worker_ids=[str(worker_id) for worker_id in owned.worker_ids],
        sharedkey_ids=[],
        active_generations=active,
    )
