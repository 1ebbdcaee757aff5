"""Write requests that have their places, with what is held for them and the answers to those with keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from uuid import UUID

from horde.errors import HordeError, IdempotencyKeyConflict
from horde.kinds import KINDS
from horde.kinds.base import Needs
from horde.server.context import Context
from horde.server.db.notify import News, Work
from horde.server.idempotency.keys import keep
from horde.server.ledger import jobs as ledger
from horde.server.ledger.book import Book
from horde.server.matching.lanes import Lane, Lanes
from horde.server.requests import sql
from horde.server.requests.allowance import Allowances
from horde.server.requests.cost import Purses
from horde.server.requests.orders import LIFE, Accepted, Group, Outcomes
from horde.server.requests.standing import Entry
from horde.server.workers.online import online
from horde.units import Kudos

ADD_TRIES = 3
"""How often requests are added when their lanes were deleted meanwhile, which a lane is after a day of disuse."""
Places = Mapping[Needs, Lane]
"""The lanes in which requests are to stand; also where the process forgets one of them meanwhile."""


class _LaneGone(Exception):
    """A lane was deleted after it was looked up: nothing is written, and all is done again."""


async def add(ctx: Context, lanes: Lanes, entries: Sequence[Entry], groups: Sequence[Group] = ()) -> Outcomes:
    """Write the requests, with the groups that they are parts of, and the answers to those with keys.

    What could not be added, however often it was tried, is not among the outcomes.
    """
    for _ in range(ADD_TRIES):
        try:
            return await _add(ctx, lanes, entries, groups)
        except _LaneGone:
            lanes.forget()
    return {}


async def _add(ctx: Context, lanes: Lanes, entries: Sequence[Entry], groups: Sequence[Group]) -> Outcomes:
    if not entries and not groups:
        return {}
    places = await lanes.intern(ctx.database, (entry.needs for entry in entries))
    workers = await online(ctx)
    outcomes: Outcomes = {}
    # What is asked for as one is possible when all of it is.
    impossible = {
        entry.order.asked_id
        for entry in entries
        if not workers.can_serve_lane(lanes, places[entry.needs], owner_id=entry.order.user.id)
    }
    for entry in entries:
        order = entry.order
        outcomes[order.id] = Accepted(str(order.asked_id), order.cost.price, order.asked_id not in impossible)
    outcomes |= await _write(ctx, places, entries, groups, outcomes)
    written = [entry for entry in entries if isinstance(outcomes[entry.order.id], Accepted)]
    work = [Work(places[entry.needs].id, entry.rank, entry.order.draft.n) for entry in written]
    ctx.services.hints.publish(News(work=work))
    return outcomes


async def _write(
    ctx: Context, places: Places, entries: Sequence[Entry], groups: Sequence[Group], outcomes: Outcomes
) -> Outcomes:
    """Write the requests with what is held for them, and the answers to those with keys.

    Returns a refusal for each that cannot be had. Raises _LaneGone when one of the lanes is; nothing is written then.
    """
    async with ctx.database.transaction() as tx:
        allowances = await Allowances.open(tx, [entry.order.shared for entry in entries], now=ctx.now)
        book = await Book.open(tx, _people(entries))
        held, refusals = _hold(Purses(book), allowances, entries)
        answers = {
            entry.order.key: asdict(outcome)
            for entry in entries
            if entry.order.key and entry.order.id in held and isinstance(outcome := outcomes[entry.order.id], Accepted)
        }
        kept = await keep(tx, answers, now=ctx.now) if answers else set()
        if new := [_group_row(ctx, group) for group in groups if group.key is None or group.key.name in kept]:
            await tx.run(sql.add_groups, groups=new)
        rows: list[dict[str, object]] = []
        for entry in entries:
            order = entry.order
            if order.id not in held:
                continue
            if order.key and order.key.name not in kept:
                refusals[order.id] = IdempotencyKeyConflict()
                continue
            allowances.spend(order.shared, order.cost.tax)
            paid = ledger.ask(
                book, order.id, order.user.id, tax=order.cost.tax, held=held[order.id], asked_id=order.asked_id
            )
            if (author_id := order.style_author_id) is not None:
                ledger.reward_style(book, order.id, author_id, payer_id=order.user.id, paid=paid)
            rows.append(_row(ctx, entry, places[entry.needs].id, len(rows), held[order.id]))
        if rows and not await tx.values(sql.add_requests, UUID, requests=rows):
            raise _LaneGone
        await allowances.post(tx)
        await book.post(ctx.now)
    return refusals


def _people(entries: Sequence[Entry]) -> set[int]:
    """Whose kudos are moved."""
    authors = {author_id for entry in entries if (author_id := entry.order.style_author_id) is not None}
    return authors.union(entry.order.user.id for entry in entries)


def _hold(purses: Purses, allowances: Allowances, entries: Sequence[Entry]) -> tuple[dict[UUID, Kudos], Outcomes]:
    """What is held for each order, and who cannot pay."""
    held: dict[UUID, Kudos] = {}
    refusals: Outcomes = {}
    for entry in entries:
        order = entry.order
        try:
            allowances.check(order.shared, order.cost, order.draft)
            held[order.id] = purses.hold(order.user, order.cost)
        except HordeError as refusal:
            refusals[order.id] = refusal
        else:
            allowances.promise(order.shared, order.cost)
    return held, refusals


def _row(ctx: Context, entry: Entry, lane_id: int, place: int, held: Kudos) -> dict[str, object]:
    order, draft, kind = entry.order, entry.order.draft, KINDS[entry.order.draft.kind]
    return {
        "place": place,
        "id": order.id,
        "user_id": order.user.id,
        "kind": draft.kind,
        "lane_id": lane_id,
        "prompt": draft.prompt,
        "params": draft.params,
        "n": draft.n,
        "rank": entry.rank,
        "seed": draft.seed,
        "seed_variation": draft.seed_variation,
        "things": kind.things(draft.params),
        "price_mk": order.cost.price,
        "charge_factor": order.cost.terms.factor,
        "charge_extra_mk": order.cost.terms.extra,
        "charge_max_mk": order.cost.charge_max,
        "held_mk": held,
        "charged_mk": order.cost.tax,
        # Only where there is one: the others are spared even the word.
        **({"shared_key_id": order.shared.id} if order.shared else {}),
        **({"proxied_account": draft.proxied_account} if draft.proxied_account else {}),
        "lease_s": max(kind.lease_s(draft.params, draft.models), ctx.services.settings.lease_s_min),
        "is_inline": draft.is_inline,
        "wants_censoring": draft.censor_nsfw and not draft.nsfw,
        "disable_batching": draft.disable_batching,
        "client_agent": draft.client_agent,
        # Only where there are any: the others are spared even the word.
        **({"webhook": draft.webhook} if draft.webhook else {}),
        **({"sources": order.sources} if order.sources else {}),
        **({"group_id": order.group_id} if order.group_id else {}),
        "created_at": ctx.now,
        "expires_at": ctx.now + LIFE,
    }


def _group_row(ctx: Context, group: Group) -> dict[str, object]:
    return {
        "id": group.id,
        "user_id": group.user.id,
        "kind": group.kind,
        "has_picture": group.has_picture,
        "expires_at": ctx.now + LIFE,
    }
