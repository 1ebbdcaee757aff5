"""Reading workers, for the edge."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from horde.errors import WorkerNotFound
from horde.kinds.base import Needs
from horde.server.context import Context
from horde.server.workers.checkin import tidy
from horde.server.workers.online import online
from horde.server.workers.roster import Worker, sql, worker_by_id, worker_by_name

SHOWN_MAX = 100
"""How much of an id or a name that nobody has is said again in the refusal."""


async def workers_online(ctx: Context, *, kind: str | None = None, name: str | None = None) -> list[Worker]:
    """Everybody online, by name; only of a kind, or only of that name in any case (which wins)."""
    found = await online(ctx)
    if name is not None:
        wanted = {spelt.lower() for spelt in _spellings(name)}
        return [worker for worker in found.workers() if worker.name.lower() in wanted]
    return found.workers(kind)


async def worker(ctx: Context, worker_id: str) -> Worker:
    """A worker, online or not. Raises WorkerNotFound, also for what is no UUID."""
    try:
        key = UUID(worker_id)
    except ValueError:
        key = None
    found = (await online(ctx)).get(key) if key else None
    if found is None and key:
        async with ctx.database.statement() as tx:
            found = await worker_by_id(tx, key)
    if found is None:
        raise WorkerNotFound(f"Worker with ID {worker_id[:SHOWN_MAX]!r} not found.")
    return found


async def origin_of(ctx: Context, worker_id: UUID) -> str:
    """Where a worker came from last, as `joining.origin` says it."""
    async with ctx.database.statement() as tx:
        return await tx.value(sql.origin_of_worker, str, id=worker_id) or ""


async def worker_named(ctx: Context, name: str) -> Worker:
    """The worker of exactly this name, online or not. Raises WorkerNotFound."""
    now_online = await online(ctx)
    for spelt in _spellings(name):
        if member := now_online.named(spelt):
            return member.worker
    if "\x00" not in name:  # no worker's name holds one, and PostgreSQL takes none
        async with ctx.database.statement() as tx:
            for spelt in _spellings(name):
                if found := await worker_by_name(tx, spelt):
                    return found
    raise WorkerNotFound(f"Worker with name {name[:SHOWN_MAX]!r} not found.")


def _spellings(name: str) -> tuple[str, ...]:
    """A name as the caller has it, and where that is another one as its worker would be called that says it."""
    return tuple(dict.fromkeys((name, tidy(name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """What a worker did with one model."""

    model: str
    jobs: int
    speed: float | None
    """Mean things per second of its last 20 jobs with it; None: it did none that is remembered."""
    is_offered: bool
    """Whether the worker still offers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    model: str
    jobs: int
    speeds: list[float]


async def models_of(ctx: Context, worker: Worker) -> list[ModelRecord]:
    """What a worker did with each model, most used first; then those that it offers and did nothing with yet."""
    async with ctx.database.statement() as tx:
        rows = await tx.all(sql.models_of_worker, _Row, worker_id=worker.id)
    used = [
        ModelRecord(
            model=row.model,
            jobs=row.jobs,
            speed=sum(row.speeds) / len(row.speeds) if row.speeds else None,
            is_offered=row.model in worker.models,
        )
        for row in rows
    ]
    names = {record.model for record in used}
    return used + [
        ModelRecord(model=name, jobs=0, speed=None, is_offered=True) for name in worker.models if name not in names
    ]


async def can_be_served(ctx: Context, needs: Needs, *, owner_id: int) -> bool:
    """Whether a worker that is online now would be given a request with these needs."""
    return (await online(ctx)).can_serve(needs, owner_id=owner_id)
