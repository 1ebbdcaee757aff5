"""Workers as the house knows them, and who of them is online."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from horde.kinds.base import Needs, Offer
from horde.server.db.pool import Tx
from horde.server.db.queries import load
from horde.server.matching.rules import can_serve

sql = load(__package__)

ONLINE_FOR = timedelta(seconds=300)
"""How long after its last check-in a worker counts as online (contract/lifecycle.md, section 12)."""
DEFAULT_SPEED = 1_000_000.0
"""Things per second of a worker that has delivered nothing yet."""
SLOW_BELOW = 500_000.0
"""Things per second under which a worker is slow."""


class OfferTerms(msgspec.Struct, kw_only=True):
    """What a worker said of itself at its last check-in; kept with the worker."""

    features: list[str]
    sizes: dict[str, int]
    nsfw: bool
    is_extra_slow: bool
    flags: dict[str, bool]
    """The switches as the dialect showed them, for showing them again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker with its owner."""

    id: UUID
    user_id: int
    owner_is_trusted: bool
    name: str
    kind: str
    agent: str
    terms: OfferTerms
    models: tuple[str, ...]
    threads: int
    info: str | None
    is_in_maintenance: bool
    maintenance_message: str | None
    first_seen: datetime
    last_seen: datetime
    uptime_s: float
    fulfilled: int
    uncompleted: int
    things: int
    earned_mk: int
    speeds: tuple[float, ...]
    """Things per second of its last 20 jobs."""

    @property
    def speed(self) -> float:
        """Mean things per second."""
        return sum(self.speeds) / len(self.speeds) if self.speeds else DEFAULT_SPEED

    def is_online(self, now: datetime) -> bool:
        """Whether it checked in lately."""
        return now - self.last_seen <= ONLINE_FOR

    @property
    def offer(self) -> Offer:
        """What it can do, for matching."""
        return Offer(
            kind=self.kind,
            worker_id=str(self.id),
            models=frozenset(self.models),
            features=frozenset(self.terms.features),
            sizes=self.terms.sizes,
            nsfw=self.terms.nsfw,
            is_trusted=self.owner_is_trusted,
            is_slow=self.speed < SLOW_BELOW,
            is_extra_slow=self.terms.is_extra_slow,
        )


def _worker(*, offer: object, models: list[str], speeds: list[float], **columns: object) -> Worker:
    terms = msgspec.convert(offer, OfferTerms)
    return Worker(terms=terms, models=tuple(models), speeds=tuple(speeds), **columns)  # type: ignore[arg-type]  # named as the columns


async def worker_by_id(tx: Tx, worker_id: UUID) -> Worker | None:
    """The worker, online or not."""
    return await tx.maybe(sql.worker_by_id, _worker, id=worker_id)


async def lock_worker(tx: Tx, name: str) -> Worker | None:
    """The worker of that name, locked. Workers are always locked before requests and jobs."""
    worker_id = await tx.value(sql.lock_worker, UUID, name=name)
    return None if worker_id is None else await worker_by_id(tx, worker_id)


async def online_workers(tx: Tx, *, now: datetime) -> list[Worker]:
    """Everybody who checked in within the last five minutes, by name."""
    return await tx.all(sql.online_workers, _worker, since=now - ONLINE_FOR)


async def workers_of(tx: Tx, user_id: int) -> list[UUID]:
    """The ids of a user's workers."""
    return await tx.values(sql.workers_of, UUID, user_id=user_id)


async def unknown_among(tx: Tx, worker_ids: list[UUID]) -> list[UUID]:
    """Those of the ids that no worker has."""
    known = await tx.values(sql.known_workers, UUID, ids=worker_ids)
    return [worker_id for worker_id in worker_ids if worker_id not in set(known)]


def somebody_can_serve(workers: list[Worker], needs: Needs, *, owner_id: int) -> bool:
    """Whether any of these workers would be given a request with these needs."""
    return any(
        worker.kind == needs.kind
        and (not worker.is_in_maintenance or worker.user_id == owner_id)
        and can_serve(worker.offer, needs)
        for worker in workers
    )
