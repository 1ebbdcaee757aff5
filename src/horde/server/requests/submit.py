"""Check and price a request, then put it into the queue."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import msgspec

from horde.errors import HordeError, KudosUpfront, MaintenanceMode, Overloaded, RequiresTrust, WorkerNotFound
from horde.kinds import KINDS
from horde.kinds.base import Draft, Heavy, Needs
from horde.kinds.image_refusals import MoreThanMinExtraSourceImage, TooManyExtraSourceImages
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key, answer_to
from horde.server.ledger.balance import balance
from horde.server.modes.modes import refuse_in_maintenance
from horde.server.requests.accept import Accepted, Order, accept_once_together, accept_together, refuse_early
from horde.server.requests.cost import Cost, check_upfront, cost_of
from horde.server.requests.screen import screened
from horde.server.requests.sources import SentSources, forget_sources, store_sources
from horde.server.requests.survey import survey
from horde.server.styles.count import count_use
from horde.server.styles.pick import StyleUse
from horde.server.workers.online import online
from horde.server.workers.roster import unknown_among
from horde.units import Kudos

P = TypeVar("P", bound=msgspec.Struct)

WORKERS_KEPT = 5
"""Listed workers beyond these are not looked at (contract/api-v2.md, section 2.1)."""
EXTRA_SOURCES_MAX = 5
"""Pictures beside the source image; who is not trusted may send one (contract/lifecycle.md, section 2, row 9)."""


async def submit(
    ctx: Context,
    user: User,
    draft: Draft[P],
    key: Key | None = None,
    sent: SentSources | None = None,
    *,
    style: StyleUse | None = None,
) -> Accepted:
    """Put a request into the queue; a call with a `key` that was made before is answered as it was then.

    One that its requestor cannot pay upfront, though it must be paid so, is made smaller where the draft allows it.
    Pictures that were `sent` along are looked at last of all. `style` is what the draft was made by, if it was; its
    author is paid. Raises MaintenanceMode, what the kind's own check raises, RequiresTrust, WorkerNotFound, what
    `screened` raises, TooManyPrompts, KudosUpfront, IdempotencyKeyConflict, and what `store_sources` raises; nothing is
    written then but what `screened` writes.
    """
    await _refuse_new(ctx, key)
    needs = checked(user, draft)
    await _refuse_unknown_workers(ctx, needs)
    draft = await screened(ctx, user, draft)
    cost = await _cost(ctx, user, draft, needs, style)
    order = Order(id=uuid.uuid4(), user=user, draft=draft, needs=needs, cost=cost, key=key, style=style)
    accepted = await (_accepted(ctx, order) if sent is None else _accepted_with_sources(ctx, order, sent))
    if style and accepted.id == str(order.id):
        await count_use(ctx, style, is_recorded=style.is_foreign(user.id))
    return accepted


async def _cost(ctx: Context, user: User, draft: Draft[P], needs: Needs, style: StyleUse | None) -> Cost:
    has_foreign_style = style is not None and style.is_foreign(user.id)
    return cost_of(draft, needs, await _heavy(ctx, draft), has_foreign_style=has_foreign_style)


async def _accepted(ctx: Context, order: Order) -> Accepted:
    accept = accept_once_together if order.key else accept_together
    try:
        return await ctx.together(accept, order)
    except KudosUpfront:
        if not order.draft.allow_downgrade or not (smaller := await _downgraded(ctx, order.draft)):
            raise
    needs = checked(order.user, smaller)
    cost = await _cost(ctx, order.user, smaller, needs, order.style)
    return await ctx.together(accept, replace(order, draft=smaller, needs=needs, cost=cost))


async def _refuse_new(ctx: Context, key: Key | None) -> None:
    try:
        await refuse_in_maintenance(ctx)
    except MaintenanceMode:
        # What was accepted before is not new: it is answered as it was then.
        if key is None or await answer_to(ctx, key) is None:
            raise


async def _accepted_with_sources(ctx: Context, order: Order, sent: SentSources) -> Accepted:
    """Accept an order whose pictures are in the storage before it is in the queue, where workers find it."""
    if order.key and (known := await submitted(ctx, order.key)):
        return known
    await refuse_early(ctx, order)
    sources = await store_sources(ctx, order.id, order.draft, sent)
    try:
        accepted = await _accepted(ctx, replace(order, sources=sources))
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


async def _heavy(ctx: Context, draft: Draft[P]) -> Heavy | None:
    settings = ctx.services.settings
    if settings.upfront_kudos == "off":
        return None
    threads, queued = await _load(ctx, draft.kind)
    lists = settings.upfront_kudos_on_workerlist
    return KINDS[draft.kind].heavy(draft, threads=threads, queued=queued, upfront_for_lists=lists)


async def _downgraded(ctx: Context, draft: Draft[P]) -> Draft[P] | None:
    """A draft that is not heavy any more; None where being smaller does not help."""
    heavy = await _heavy(ctx, draft)
    if heavy is None or not heavy.may_downgrade:
        return None
    threads, queued = await _load(ctx, draft.kind)
    return KINDS[draft.kind].downgraded(draft, threads=threads, queued=queued)


async def _load(ctx: Context, kind: str) -> tuple[int, int]:
    """The threads of the workers online, and the jobs that wait."""
    return (await online(ctx)).power_of_kind(kind).threads, (await survey(ctx)).jobs(kind)


async def submitted(ctx: Context, key: Key) -> Accepted | None:
    """What a call with this key was answered, if it was made before. Raises IdempotencyKeyConflict."""
    answer = await answer_to(ctx, key)
    return None if answer is None else msgspec.convert(answer, Accepted)


def checked(user: User, draft: Draft[P]) -> Needs:
    """What a draft needs.

    Raises TooManyExtraSourceImages, MoreThanMinExtraSourceImage, what the kind's own check raises, WorkerNotFound for a
    listed worker that is no id, and RequiresTrust.
    """
    kind = KINDS[draft.kind]
    if draft.extra_sources > EXTRA_SOURCES_MAX:
        raise TooManyExtraSourceImages
    if draft.extra_sources > 1 and not user.is_trusted:
        raise MoreThanMinExtraSourceImage
    kind.check(draft)
    draft = replace(draft, workers=_worker_ids(draft.workers))
    if draft.n > 1 and draft.disable_batching and not user.is_trusted:
        raise RequiresTrust
    return kind.needs(draft)


async def estimated(ctx: Context, user: User, draft: Draft[P], *, style: StyleUse | None = None) -> Kudos:
    """What all jobs of a draft are expected to cost together, tax included. Raises as `submit` does.

    Nothing is written but what `screened` writes, and that a `style` counts one more use: such a call looks at it
    (contract/lifecycle.md, section 16).
    """
    await refuse_in_maintenance(ctx)
    needs = checked(user, draft)
    await _refuse_unknown_workers(ctx, needs)
    draft = await screened(ctx, user, draft)
    cost = await _cost(ctx, user, draft, needs, style)
    if cost.heavy and not (draft.allow_downgrade and cost.heavy.may_downgrade):
        async with ctx.database.statement() as tx:
            available = (await balance(tx, user.id)).available
        check_upfront(cost, available)
    kind = KINDS[draft.kind]
    if style:
        await count_use(ctx, style, is_recorded=False)
    # An estimate knows the plain tax; the cost knows all of it.
    return Kudos(kind.estimate(draft) - kind.tax(draft) + cost.tax)


def _worker_ids(texts: tuple[str, ...]) -> tuple[str, ...]:
    # One spelling of an id: matching compares texts.
    ids = []
    for text in texts[:WORKERS_KEPT]:
        try:
            ids.append(str(UUID(text)))
        except ValueError:
            raise WorkerNotFound(f"Worker with ID {text[:80]!r} not found.") from None
    return tuple(ids)


async def _refuse_unknown_workers(ctx: Context, needs: Needs) -> None:
    if not needs.workers:
        return
    async with ctx.database.statement() as tx:
        unknown = await unknown_among(tx, [UUID(text) for text in needs.workers])
    if unknown:
        raise WorkerNotFound(f"Worker with ID '{unknown[0]}' not found.")
