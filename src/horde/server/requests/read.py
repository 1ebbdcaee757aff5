"""How far a request is, and its results. Never writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from horde.errors import HordeError, RequestNotFound
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.matching.lanes import Lane, Lanes
from horde.server.requests import sql
from horde.server.requests.estimate import seconds_to_come
from horde.server.requests.places import NOTHING, ahead_of
from horde.server.requests.results import ResultState
from horde.server.workers.online import NOBODY, online
from horde.units import Kudos

LISTED_MAX = 500
UP_TO_THE_NAMED = (
    "A worker that is named is online, but on this server it serves those who name it only if it puts them first."
    " Hint: ask its owner to name you as a priority user, or leave out `workers`."
)
"""Whom a worker puts first is known only while it asks for work."""
GIVEN_UP = "It failed too often, so nobody tries it again. The last worker, {}, said: {}"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a request is."""

    id: str
    kind: str
    is_inline: bool
    finished: int
    processing: int
    restarted: int
    waiting: int
    is_done: bool
    is_faulted: bool
    is_possible: bool
    queue_position: int
    """1 is next; 0: nothing of it waits."""
    wait_s: int
    charged: Kudos
    explanation: str | None
    """Why nobody can do what waits, where that is so; why it was given up, where a worker said it."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One finished job."""

    id: UUID
    worker_id: UUID
    worker_name: str
    model: str
    seed: int
    result_state: ResultState
    result_text: str | None
    """None: it is a file."""
    gen_metadata: list[object]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a request is, with what is finished."""

    progress: Progress
    results: list[Result]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A request as the database has it, with its jobs counted."""

    id: UUID
    user_id: int
    kind: str
    lane_id: int
    rank: int
    seq: int
    state: str
    n: int
    waiting: int
    is_inline: bool
    things: int
    charged_mk: int
    finished: int
    processing: int
    restarted: int
    last_leased_at: datetime | None
    results: list[object] | None
    """As the struct `Result`, where they were asked for."""


@dataclass(frozen=True, slots=True)
class _Fault:
    worker_name: str
    reason: str


def request_id_of(text: str) -> UUID:
    """Raises RequestNotFound for what is no UUID."""
    try:
        return UUID(text)
    except ValueError:
        raise RequestNotFound(f"Request with ID {text[:80]!r} not found.") from None


async def progress(ctx: Context, request_id: str, *, kind: str) -> Progress:
    """Raises RequestNotFound, also for a request of another kind."""
    row = await ctx.together(_rows_together, _Wish(request_id_of(request_id), with_results=False))
    return await _progress(ctx, _of_kind(row, kind))


async def status(ctx: Context, request_id: str, *, kind: str) -> Status:
    """Raises RequestNotFound, also for a request of another kind."""
    row = await ctx.together(_rows_together, _Wish(request_id_of(request_id), with_results=True))
    return await _status(ctx, _of_kind(row, kind))


async def status_in(tx: Tx, ctx: Context, key: UUID, *, kind: str) -> Status:
    """As `status`, inside a transaction that holds the request's lock: what is counted is also shown."""
    row = await tx.maybe(sql.progress, Row, ids=[key], with_results=[key])
    if row is None:
        raise _not_found(key)
    return await _status(ctx, _of_kind(row, kind))


async def _status(ctx: Context, row: Row) -> Status:
    return Status(await _progress(ctx, row), msgspec.convert(row.results or [], list[Result]))


@dataclass(frozen=True, slots=True)
class _Wish:
    """To see how far a request is."""

    id: UUID
    with_results: bool


async def _rows_together(ctx: Context, wishes: Sequence[_Wish]) -> list[Row | HordeError]:
    ids, with_results = {wish.id for wish in wishes}, {wish.id for wish in wishes if wish.with_results}
    async with ctx.database.statement() as tx:
        rows = await tx.all(sql.progress, Row, ids=list(ids), with_results=list(with_results))
    found = {row.id: row for row in rows}
    return [found.get(wish.id) or _not_found(wish.id) for wish in wishes]


def _of_kind(row: Row, kind: str) -> Row:
    if row.kind != kind:
        raise _not_found(row.id)
    return row


def _not_found(key: UUID) -> HordeError:
    return RequestNotFound(f"Request with ID '{key}' not found.")


async def _progress(ctx: Context, row: Row) -> Progress:
    workers = await online(ctx)
    lanes = ctx.remembered(Lanes)
    lanes.learn_of([row.lane_id])
    await lanes.load(ctx.database)
    lane = lanes.get(row.lane_id)
    is_faulted = row.state == "faulted"
    can_be_served = lane is not None and workers.can_serve_lane(lanes, lane, owner_id=row.user_id)
    ahead, explanation = NOTHING, None
    if row.waiting:
        ahead = await ahead_of(ctx, row.kind, row.rank, row.seq)
        if lane is not None and not can_be_served:
            explanation = workers.explanation(lanes, lane)
        elif lane is not None and _is_up_to_the_named(ctx, lane):
            explanation = None if workers.serves_own(lanes, lane, row.user_id) else UP_TO_THE_NAMED
    if is_faulted:
        explanation = await why_given_up(ctx, row.id)
    seconds = seconds_to_come(
        ahead,
        row.things,
        row.waiting,
        horde=workers.power_of_kind(row.kind),
        able=workers.power(lanes, lane) if lane else NOBODY,
        last_leased_at=row.last_leased_at,
        now=ctx.now,
    )
    return Progress(
        id=str(row.id),
        kind=row.kind,
        is_inline=row.is_inline,
        finished=row.finished,
        processing=row.processing,
        restarted=row.restarted,
        waiting=row.waiting,
        is_done=is_faulted or (row.waiting == 0 and row.processing == 0),
        is_faulted=is_faulted,
        is_possible=not is_faulted and (row.processing > 0 or can_be_served),
        queue_position=ahead.requests + 1 if row.waiting else 0,
        wait_s=seconds,
        charged=Kudos(row.charged_mk),
        explanation=explanation,
    )


async def why_given_up(ctx: Context, request_id: UUID) -> str | None:
    """What the last worker said of a request that failed too often; None: none said anything."""
    async with ctx.database.statement() as tx:
        fault = await tx.maybe(sql.last_fault, _Fault, id=request_id)
    return None if fault is None else GIVEN_UP.format(fault.worker_name, fault.reason)


def _is_up_to_the_named(ctx: Context, lane: Lane) -> bool:
    needs = lane.needs
    return ctx.services.settings.require_matched_targeting and bool(needs.workers) and not needs.worker_blacklist


async def readable_requests(tx: Tx, user_id: int, kind: str) -> list[UUID]:
    """The ids of a user's requests that can still be read, oldest first, at most LISTED_MAX."""
    return await tx.values(sql.readable_of_user, UUID, user_id=user_id, kind=kind, limit=LISTED_MAX)
