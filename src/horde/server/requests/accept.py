"""Put requests that arrived together into their lanes: how each requestor stands, its place, what is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from horde.errors import HordeError, IdempotencyKeyConflict, Overloaded, TooManyPrompts
from horde.kinds import KINDS
from horde.kinds.base import Draft, Needs, asked_by
from horde.server.accounts.sharedkeys import SharedKey
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.notify import News, Work
from horde.server.idempotency.keys import Key, keep, recall
from horde.server.ledger import jobs as ledger
from horde.server.ledger.book import Book
from horde.server.matching.lanes import Lane, Lanes
from horde.server.matching.order import priority, rank
from horde.server.requests import sql
from horde.server.requests.allowance import Allowances
from horde.server.requests.cost import Cost, Purses, check_upfront
from horde.server.requests.sources import Sources
from horde.server.styles.pick import StyleUse
from horde.server.workers.online import online
from horde.units import Kudos

LIFE = timedelta(minutes=20)
"""How long a request is kept after its last activity (contract/lifecycle.md, section 8)."""
LIFE_EXTRA_SLOW = timedelta(minutes=60)
"""The same once an extra-slow worker has a job of it."""
ADD_TRIES = 3
"""How often requests are added when their lanes were deleted meanwhile, which a lane is after a day of disuse."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that waits."""

    id: str
    price: Kudos
    """Of one of its jobs."""
    is_possible: bool
    """Whether a worker that is online now could do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:  # type: ignore[explicit-any]  # a draft of whatever kind
    """A request that was checked and is to be added."""

    id: UUID
    user: User
    draft: Draft[Any]  # type: ignore[explicit-any]
    needs: Needs
    cost: Cost
    key: Key | None = None
    sources: Sources | None = None
    """The pictures that came along, which are stored."""
    group_id: UUID | None = None
    """What it is part of, if it is."""
    style: StyleUse | None = None
    """The style that the draft is asked in."""
    shared: SharedKey | None = None
    """The shared key that it was asked for with; the user is its owner then."""
    stands_as: Kudos | None = None
    """What it waits as if its requestor had; None: what the requestor has."""

    @property
    def asked_id(self) -> UUID:
        """Under which its requestor will know it."""
        return self.group_id or self.id

    @property
    def style_author_id(self) -> int | None:
        """Whom the use of the style is paid to: its author, unless that is who asks."""
        return self.style.owner_id if self.style and self.style.is_foreign(self.user.id) else None


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for something of a kind, and what limits it."""

    user: User
    kind: str
    models: frozenset[str]
    """Only what is for the same models, or for any, stands in its way; empty: all does."""
    at_most: int
    """Jobs that may wait; beyond it is not counted."""


@dataclass(slots=True)
class Standing:
    """What limits and places a requestor's next request."""

    place: int
    balance_mk: int
    available_mk: int
    jobs: int
    requests: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An order with its place in the queue."""

    order: Order
    needs: Needs
    rank: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Orders that are accepted, read and cancelled as one; their requests do not know of each other otherwise."""

    id: UUID
    user: User
    kind: str
    orders: Sequence[Order]
    """With the key and the group of this one; there may be none."""
    has_picture: bool = False
    """Whether the picture of all of them lies in the storage."""
    key: Key | None = None


class _LaneGone(Exception):
    """A lane was deleted after it was looked up: nothing is written, and all is done again."""


Outcomes = dict[UUID, Accepted | HordeError]
"""By order."""
Places = Mapping[Needs, Lane]
"""The lanes in which requests are to stand; also where the process forgets one of them meanwhile."""


async def accept_together(ctx: Context, orders: Sequence[Order]) -> list[Accepted | HordeError]:
    """Accept or refuse each order, in their order."""
    lanes = ctx.remembered(Lanes)
    await lanes.load(ctx.database)
    outcomes: Outcomes = {}
    entries = []
    for order, standing in zip(orders, await standings(ctx, lanes, _asking(orders)), strict=True):
        if refusal := _too_many(order, standing):
            outcomes[order.id] = refusal
        else:
            entries.append(placed(ctx, order, standing))
    outcomes |= await add(ctx, lanes, entries)
    return [outcomes.get(order.id) or Overloaded() for order in orders]


async def refuse_early(ctx: Context, order: Order) -> None:
    """Raise what an order is refused with as things are, before work is done for it that would be in vain.

    Raises TooManyPrompts and KudosUpfront. That nothing is raised promises nothing: it is seen when it is added.
    """
    lanes = ctx.remembered(Lanes)
    await lanes.load(ctx.database)
    [standing] = await standings(ctx, lanes, _asking([order]))
    if refusal := _too_many(order, standing):
        raise refusal
    heavy = order.cost.heavy
    if not (order.draft.allow_downgrade and heavy and heavy.may_downgrade):
        check_upfront(order.cost, Kudos(max(standing.available_mk, 0)))


async def accept_once_together(ctx: Context, orders: Sequence[Order]) -> list[Accepted | HordeError]:
    """As `accept_together`, for orders with keys: what was accepted under one before is answered as it was then."""
    answers: Outcomes = {}
    # Twice: an order whose key another node is just using is refused at first, and then known to be answered.
    for _ in range(2):
        await _recall(ctx, [order for order in orders if order.id not in answers], answers)
        # One order of each key: what another of the same key gets is known afterwards.
        open_ones = [order for order in reversed(orders) if order.id not in answers]
        new = list({order.key.name: order for order in open_ones if order.key}.values())
        if new:
            outcomes = zip(new, await accept_together(ctx, new), strict=True)
            answers |= {order.id: found for order, found in outcomes if not isinstance(found, IdempotencyKeyConflict)}
    return [answers.get(order.id) or IdempotencyKeyConflict() for order in orders]


async def _recall(ctx: Context, orders: Sequence[Order], answers: Outcomes) -> None:
    keys = {order.id: order.key for order in orders if order.key}
    if not keys:
        return
    async with ctx.database.statement() as tx:
        kept = await recall(tx, keys.values())
    for order_id, key in keys.items():
        answer = kept.get(key)
        if answer is not None:
            answers[order_id] = answer if isinstance(answer, HordeError) else msgspec.convert(answer, Accepted)


def _asking(orders: Sequence[Order]) -> list[Asking]:
    # The world shares the anonymous account, so there only requests for the same models stand in each other's way.
    return [
        Asking(
            user=order.user,
            kind=order.draft.kind,
            models=frozenset(order.draft.models) if order.user.is_anonymous else frozenset(),
            at_most=order.user.concurrency,
        )
        for order in orders
    ]


async def standings(ctx: Context, lanes: Lanes, askings: Sequence[Asking]) -> list[Standing]:
    """How each who asks stands; equal ones share one standing."""
    groups: dict[object, dict[str, object]] = {}
    keys = []
    for asking in askings:
        key = (asking.user.id, asking.kind, asking.models)
        keys.append(key)
        if key not in groups:
            groups[key] = {
                "place": len(groups),
                "user_id": asking.user.id,
                "kind": asking.kind,
                "lanes": lanes.sharing_models(asking.kind, asking.models) if asking.models else None,
                "at_most": asking.at_most,
            }
    async with ctx.database.statement() as tx:
        rows = await tx.all(sql.standing, Standing, groups=list(groups.values()))
    by_place = {row.place: row for row in rows}
    of_key = {key: by_place[place] for place, key in enumerate(groups)}
    return [of_key[key] for key in keys]


def _too_many(order: Order, standing: Standing) -> HordeError | None:
    limit = order.user.concurrency
    return None if standing.jobs + order.draft.n <= limit else too_many(standing.jobs, order.draft.n, limit)


def too_many(there: int, new: int, limit: int) -> TooManyPrompts:
    """The refusal of what goes beyond a limit."""
    return TooManyPrompts(f"Parallel requests ({there} waiting and {new} new) are more than your limit of {limit}.")


def placed(ctx: Context, order: Order, standing: Standing) -> Entry:
    """Where the order goes; the requestor's next one comes after it."""
    # Nobody knows addresses to be unsafe yet: that is the moderators' business.
    can_pay = standing.available_mk >= order.cost.price
    needs = asked_by(order.needs, is_trusted=order.user.is_trusted, can_pay=can_pay, is_from_unsafe_ip=False)
    kudos = Kudos(standing.balance_mk) if order.stands_as is None else order.stands_as
    place = rank(priority(kudos, ctx.now, is_flagged=order.user.is_flagged), standing.requests)
    standing.jobs += order.draft.n
    standing.requests += 1
    return Entry(order, needs, place)


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
            ledger.ask(book, order.id, order.user.id, tax=order.cost.tax, held=held[order.id], asked_id=order.asked_id)
            if (author_id := order.style_author_id) is not None:
                ledger.reward_style(book, order.id, author_id)
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
