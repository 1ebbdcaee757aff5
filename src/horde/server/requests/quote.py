"""Who pays for a request, and what it would cost as things are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from horde.errors.sharing import SharedKeyEmpty, SharedKeyInsufficientKudos
from horde.kinds import KINDS
from horde.kinds.base import Draft, Heavy, Needs
from horde.server.accounts.keys import nobody
from horde.server.accounts.sharedkeys import SharedKey
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.ledger.balance import balance
from horde.server.modes.modes import refuse_in_maintenance
from horde.server.requests.allowance import check_shared
from horde.server.requests.check import checked, refuse_unknown_workers
from horde.server.requests.cost import Cost, check_upfront, cost_of
from horde.server.requests.screen import screened
from horde.server.requests.survey import survey
from horde.server.styles.count import count_use
from horde.server.styles.pick import StyleUse
from horde.server.workers.online import online
from horde.units import Kudos, kudos

P = TypeVar("P", bound=msgspec.Struct)

LAST = kudos(-50)
"""Who asks with a shared key that cannot pay waits as if he had these (contract/lifecycle.md, section 3)."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks, as the queue and the ledger take it."""

    user: User
    shared: SharedKey | None = None
    stands_as: Kudos | None = None


async def party_of(ctx: Context, user: User, draft: Draft[P], shared: SharedKey | None) -> Party:
    """Who asks for that: the account itself, within what a shared key of it allows.

    Where the key lacks kudos and the draft allows it, it is the anonymous account after all others. Raises
    SharedKeyExpired, SharedKeyEmpty, SharedKeyInsufficientKudos, SharedKeyLimit.
    """
    if shared is None:
        return Party(user)
    try:
        check_shared(shared, draft, now=ctx.now)
    except (SharedKeyEmpty, SharedKeyInsufficientKudos):
        if not draft.allow_downgrade:
            raise
        return await last_of_all(ctx)
    return Party(user, shared)


async def last_of_all(ctx: Context) -> Party:
    """The anonymous account, after all others."""
    return Party(await nobody(ctx), stands_as=LAST)


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
    party = await party_of(ctx, user, draft, shared)
    needs = checked(party.user, draft)
    await refuse_unknown_workers(ctx, needs)
    draft = await screened(ctx, party.user, draft)
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
