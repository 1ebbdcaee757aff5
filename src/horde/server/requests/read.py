"""How far a request is, and its results. Never writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from horde.errors import RequestNotFound
from horde.kinds.base import Needs
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.requests.submit import sql
from horde.server.workers.roster import Worker, online_workers, somebody_can_serve
from horde.units import Kudos

LISTED_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One finished job."""

    id: UUID
    worker_id: UUID
    worker_name: str
    model: str
    seed: int
    result_state: str
    gen_metadata: list[object]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a request is, with what is finished."""

    progress: Progress
    results: list[Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    id: UUID
    user_id: int
    kind: str
    state: str
    n: int
    waiting: int
    is_inline: bool
    things: int
    charged_mk: int
    needs: object
    finished: int
    processing: int
    restarted: int
    last_leased_at: datetime | None
    ahead: int
    jobs_ahead: int
    things_ahead: int


def request_id_of(text: str) -> UUID:
    """Raises RequestNotFound for what is no UUID."""
    try:
        return UUID(text)
    except ValueError:
        raise RequestNotFound(f"Request with ID {text[:80]!r} not found.") from None


async def progress(ctx: Context, request_id: str, *, kind: str) -> Progress:
    """Raises RequestNotFound, also for a request of another kind."""
    async with ctx.database.snapshot() as tx:
        return await progress_in(tx, ctx, request_id_of(request_id), kind=kind)


async def status(ctx: Context, request_id: str, *, kind: str) -> Status:
    """Raises RequestNotFound, also for a request of another kind."""
    async with ctx.database.snapshot() as tx:
        return await status_in(tx, ctx, request_id_of(request_id), kind=kind)


async def status_in(tx: Tx, ctx: Context, key: UUID, *, kind: str) -> Status:
    """As `status`, inside a snapshot, or a transaction that holds the request's lock: what is counted is also shown."""
    return Status(await progress_in(tx, ctx, key, kind=kind), await tx.all(sql.results, Result, id=key))


async def progress_in(tx: Tx, ctx: Context, key: UUID, *, kind: str) -> Progress:
    """As `progress`, inside a transaction that runs."""
    row = await tx.maybe(sql.progress, _Row, id=key)
    if row is None or row.kind != kind:
        raise RequestNotFound(f"Request with ID '{key}' not found.")
    workers = [worker for worker in await online_workers(tx, now=ctx.now) if worker.kind == row.kind]
    is_faulted = row.state == "faulted"
    needs = msgspec.convert(row.needs, Needs)
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
        is_possible=not is_faulted and (row.processing > 0 or somebody_can_serve(workers, needs, owner_id=row.user_id)),
        queue_position=row.ahead + 1 if row.waiting else 0,
        wait_s=_wait_s(row, workers, now=ctx.now),
        charged=Kudos(row.charged_mk),
    )


def _wait_s(row: _Row, workers: list[Worker], *, now: datetime) -> int:
    """Work up to and including ours over the speed of those online, and what is left of our last job to end."""
    speed = sum(worker.speed for worker in workers) / len(workers) if workers else 0.0
    seconds = 0.0
    if row.waiting and speed:
        threads = sum(worker.threads for worker in workers)
        seconds = (row.things_ahead + row.things * row.waiting) / (speed * min(threads, row.jobs_ahead + row.waiting))
    if row.last_leased_at is not None and speed:
        seconds += max(row.things / speed - (now - row.last_leased_at).total_seconds(), 0.0)
    return round(seconds)


@dataclass(frozen=True, slots=True)
class Demand:
    """What waits for one model."""

    model: str
    jobs: int
    things: int


async def queue_length(tx: Tx, kind: str) -> int:
    """How many jobs of a kind wait."""
    return await tx.value(sql.queue_length, int, kind=kind) or 0


async def waiting_by_model(tx: Tx, kind: str) -> list[Demand]:
    """What waits for each model that is named by a request."""
    return await tx.all(sql.waiting_by_model, Demand, kind=kind)


async def readable_requests(tx: Tx, user_id: int, kind: str) -> list[UUID]:
    """The ids of a user's requests that can still be read, oldest first, at most LISTED_MAX."""
    return await tx.values(sql.readable_of_user, UUID, user_id=user_id, kind=kind, limit=LISTED_MAX)
