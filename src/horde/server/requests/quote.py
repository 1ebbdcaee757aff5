"""Who pays for a request, and what it would cost as things are."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from horde.errors import InvalidAPIKey, KudosUpfront, TooManyPrompts
from horde.errors.sharing import (
    SharedKeyAssignedStyles,
    SharedKeyEmpty,
    SharedKeyExpired,
    SharedKeyInsufficientKudos,
    SharedKeyLimit,
)
from horde.kinds import KINDS
from horde.kinds.base import Draft, Heavy, Needs
from horde.server.accounts.keys import nobody
from horde.server.accounts.sharedkeys import SharedKey, asker_with
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.balance import balance
from horde.server.modes.modes import refuse_in_maintenance
from horde.server.requests.allowance import check_shared
from horde.server.requests.check import as_asked_by, checked, refuse_unknown_workers
from horde.server.requests.cost import Cost, check_upfront, cost_of
from horde.server.requests.screen import screened
from horde.server.requests.survey import survey
from horde.server.styles.count import count_use
from horde.server.styles.pick import StyleUse
from horde.server.workers.online import online
from horde.units import Kudos, kudos

P = TypeVar("P", bound=msgspec.Struct)

CANNOT_SPONSOR = (
    SharedKeyEmpty, SharedKeyExpired, SharedKeyInsufficientKudos, SharedKeyLimit, InvalidAPIKey, KudosUpfront,
    TooManyPrompts,
)  # fmt: skip
"""What concerns the key of a style or its owner, and not who asks in the style, who then pays as for any style."""
LAST = kudos(-50)
"""Who asks with a shared key that cannot pay waits as if he had these (contract/lifecycle.md, section 3)."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks, as the queue and the ledger take it."""

    user: User
    """Who pays, and whose requests wait and run."""
    asker: User
    """Who says it: by his roles it is judged whether it may be said."""
    shared: SharedKey | None = None
    stands_as: Kudos | None = None


async def party_of(ctx: Context, user: User, draft: Draft[P], shared: SharedKey | None) -> Party:
    """Who asks for that: the account itself, within what a shared key of it allows.

    Where the key lacks kudos and the draft allows it, it is the anonymous account after all others. Raises
    SharedKeyAssignedStyles, SharedKeyExpired, SharedKeyEmpty, SharedKeyInsufficientKudos, SharedKeyLimit.
    """
    if shared is None:
        return Party(user, user)
    if shared.is_for_styles:
        raise SharedKeyAssignedStyles
    try:
        check_shared(shared, draft, now=ctx.now)
    except (SharedKeyEmpty, SharedKeyInsufficientKudos):
        if not draft.allow_downgrade:
            raise
        return await last_of_all(ctx)
    return Party(user, user, shared)


async def last_of_all(ctx: Context) -> Party:
    """The anonymous account, after all others."""
    anonymous = await nobody(ctx)
    return Party(anonymous, anonymous, stands_as=LAST)


async def sponsored(ctx: Context, asker: User, draft: Draft[P], style: StyleUse | None) -> Party | None:
    """Who asks where the shared key of a style pays; None where none does, as far as can be seen beforehand.

    What is seen later that it cannot, is refused with one of `CANNOT_SPONSOR`.
    """
    if style is None or style.shared_key_id is None:
        return None
    author = await asker_with(ctx, style.shared_key_id)
    if author is None or author.shared is None or author.user.is_deleted:
        return None
    try:
        check_shared(author.shared, draft, now=ctx.now)
    except CANNOT_SPONSOR:
        return None
    return Party(author.user, asker, author.shared)


async def priced(ctx: Context, party: Party, draft: Draft[P], needs: Needs, style: StyleUse | None) -> Cost:
    """What a draft with these needs costs them."""
    # What a shared key promises must be enough whoever makes it; nobody else is held to it.
    any_of = (await online(ctx)).models_of_kind(draft.kind) if party.shared and not draft.models else ()
    is_foreign = style is not None and style.is_foreign(party.user.id)
    return cost_of(draft, needs, await _heavy(ctx, draft), any_of=any_of, has_foreign_style=is_foreign)


async def downgraded(ctx: Context, draft: Draft[P]) -> Draft[P] | None:
    """A draft that is not heavy any more; None where being smaller does not help."""
    heavy = await _heavy(ctx, draft)
    if heavy is None or not heavy.may_downgrade:
        return None
    threads, queued = await _load(ctx, draft.kind)
    return KINDS[draft.kind].downgraded(draft, threads=threads, queued=queued)


async def _heavy(ctx: Context, draft: Draft[P]) -> Heavy | None:
    settings = ctx.services.settings
    if settings.upfront_kudos == "off":
        return None
    threads, queued = await _load(ctx, draft.kind)
    lists = settings.upfront_kudos_on_workerlist
    return KINDS[draft.kind].heavy(draft, threads=threads, queued=queued, upfront_for_lists=lists)


async def _load(ctx: Context, kind: str) -> tuple[int, int]:
    """The threads of the workers online, and the jobs that wait."""
    return (await online(ctx)).power_of_kind(kind).threads, (await survey(ctx)).jobs(kind)


async def estimated(
    ctx: Context, user: User, draft: Draft[P], *, style: StyleUse | None = None, shared: SharedKey | None = None
) -> Kudos:
    """What all jobs of a draft are expected to cost together, tax included. Raises as `submit` does.

    Nothing is written but what `screened` writes, and that a `style` counts one more use: such a call looks at it
    (contract/lifecycle.md, section 16).
    """
    await refuse_in_maintenance(ctx)
    if sponsor := await sponsored(ctx, user, draft, style):
        with suppress(*CANNOT_SPONSOR):
            return await _estimated(ctx, sponsor, draft, style)
    return await _estimated(ctx, await party_of(ctx, user, draft, shared), draft, style)


async def _estimated(ctx: Context, party: Party, draft: Draft[P], style: StyleUse | None) -> Kudos:
    draft = as_asked_by(party.asker, draft)
    needs = checked(party.asker, draft)
    await refuse_unknown_workers(ctx, needs)
    draft = await screened(ctx, party.asker, draft)
    cost = await priced(ctx, party, draft, needs, style)
    if cost.heavy and not (draft.allow_downgrade and cost.heavy.may_downgrade):
        async with ctx.database.statement() as tx:
            available = (await balance(tx, party.user.id)).available
        check_upfront(cost, available)
    kind = KINDS[draft.kind]
    if style:
        await count_use(ctx, style, is_recorded=False)
    # An estimate knows the plain tax; the cost knows all of it.
    return Kudos(kind.estimate(draft) - kind.tax(draft) + cost.tax)
