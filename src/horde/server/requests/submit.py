"""Put a request into the queue: check it, screen it, price it, store what came along, and have it accepted."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import msgspec

from horde.errors import HordeError, KudosUpfront, MaintenanceMode, Overloaded
from horde.errors.sharing import SharedKeyEmpty, SharedKeyInsufficientKudos
from horde.kinds.base import Draft
from horde.server.accounts.sharedkeys import SharedKey
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key, answer_to
from horde.server.modes.modes import refuse_in_maintenance
from horde.server.requests.accept import accept_once_together, accept_together, refuse_early
from horde.server.requests.check import as_asked_by, checked, refuse_unknown_workers
from horde.server.requests.orders import Accepted, Order
from horde.server.requests.quote import CANNOT_SPONSOR, Party, downgraded, last_of_all, party_of, priced, sponsored
from horde.server.requests.screen import screened
from horde.server.requests.sources import SentSources, forget_sources, store_sources
from horde.server.styles.count import count_use
from horde.server.styles.pick import StyleUse

P = TypeVar("P", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:  # type: ignore[explicit-any]  # a draft of whatever kind
    draft: Draft[Any]  # type: ignore[explicit-any]
    key: Key | None
    sent: SentSources | None
    style: StyleUse | None


async def submit(
    ctx: Context,
    user: User,
    draft: Draft[P],
    key: Key | None = None,
    sent: SentSources | None = None,
    *,
    style: StyleUse | None = None,
    shared: SharedKey | None = None,
) -> Accepted:
    """Put a request into the queue; a call with a `key` that was made before is answered as it was then.

    With a `shared` key of the user's it is paid within what the key allows. One that its requestor cannot pay upfront,
    though it must be paid so, is made smaller where the draft allows it; one that a shared key cannot pay is then the
    anonymous account's, after all others. Pictures that were `sent` along are looked at last of all. `style` is what
    the draft was made by, if it was; its shared key pays where it has one that can, else its author is paid.

    Raises MaintenanceMode, what `checked`, `screened` and `store_sources` raise, WorkerNotFound, TooManyPrompts,
    KudosUpfront, IdempotencyKeyConflict, and for a shared key what `party_of` raises; nothing is written then but what
    `screened` writes.
    """
    await _refuse_new(ctx, key)
    # What the first call took may be what a shared key lacks now.
    if shared and key and (answered := await submitted(ctx, key)):
        return answered
    call = _Call(draft=draft, key=key, sent=sent, style=style)
    if sponsor := await sponsored(ctx, user, draft, style):
        with suppress(*CANNOT_SPONSOR):
            return await _submit(ctx, sponsor, call)
    party = await party_of(ctx, user, draft, shared)
    try:
        return await _submit(ctx, party, call)
    except (SharedKeyEmpty, SharedKeyInsufficientKudos):
        if not draft.allow_downgrade:
            raise
    return await _submit(ctx, await last_of_all(ctx), call)


async def submitted(ctx: Context, key: Key) -> Accepted | None:
    """What a call with this key was answered, if it was made before. Raises IdempotencyKeyConflict."""
    answer = await answer_to(ctx, key)
    return None if answer is None else msgspec.convert(answer, Accepted)


async def _refuse_new(ctx: Context, key: Key | None) -> None:
    try:
        await refuse_in_maintenance(ctx)
    except MaintenanceMode:
        # What was accepted before is not new: it is answered as it was then.
        if key is None or await answer_to(ctx, key) is None:
            raise


async def _submit(ctx: Context, party: Party, call: _Call) -> Accepted:
    draft = as_asked_by(party.asker, call.draft)
    needs = checked(party.asker, draft)
    await refuse_unknown_workers(ctx, needs)
    draft = await screened(ctx, party.asker, draft)
    order = Order(
        id=uuid.uuid4(),
        user=party.user,
        draft=draft,
        needs=needs,
        cost=await priced(ctx, party, draft, needs, call.style),
        key=call.key,
        style=call.style,
        shared=party.shared,
        stands_as=party.stands_as,
    )
    accepted = await (
        _accepted(ctx, order, party) if call.sent is None else _accepted_with_sources(ctx, order, party, call.sent)
    )
    if call.style and accepted.id == str(order.id):
        await count_use(ctx, call.style, is_recorded=call.style.is_foreign(party.asker.id))
    return accepted


async def _accepted(ctx: Context, order: Order, party: Party) -> Accepted:
    accept = accept_once_together if order.key else accept_together
    try:
        return await ctx.together(accept, order)
    except KudosUpfront:
        if not order.draft.allow_downgrade or not (smaller := await downgraded(ctx, order.draft)):
            raise
    needs = checked(party.asker, smaller)
    cost = await priced(ctx, party, smaller, needs, order.style)
    return await ctx.together(accept, replace(order, draft=smaller, needs=needs, cost=cost))


async def _accepted_with_sources(ctx: Context, order: Order, party: Party, sent: SentSources) -> Accepted:
    """Accept an order whose pictures are in the storage before it is in the queue, where workers find it."""
    if order.key and (known := await submitted(ctx, order.key)):
        return known
    await refuse_early(ctx, order)
    sources = await store_sources(ctx, order.id, order.draft, sent)
    try:
        accepted = await _accepted(ctx, replace(order, sources=sources), party)
    except Overloaded:
        # It may have been accepted all the same: the database went away and could not say. If not, its pictures have
        # no owner, and such are swept.
        raise
    except HordeError:
        await forget_sources(ctx, [(order.id, sources)])
        raise
    if accepted.id != str(order.id):
        # Another call with the same key was faster.
        await forget_sources(ctx, [(order.id, sources)])
    return accepted
