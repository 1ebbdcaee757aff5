"""Workers as the house knows them. Who of them is online: online.py."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from horde.kinds import KINDS
from horde.kinds.base import Offer, Serves
from horde.server.db.pool import Tx
from horde.server.db.queries import load

sql = load(__package__)

ONLINE_FOR = timedelta(seconds=300)
"""How long after its last check-in a worker counts as online (contract/lifecycle.md, section 12)."""


class OfferTerms(msgspec.Struct, kw_only=True):
    """What a worker said of itself at its last check-in; kept with the worker."""

    features: list[str]
    """What it does: what its program can do, less what is declined."""
    sizes: dict[str, int]
    nsfw: bool
    is_extra_slow: bool
    flags: dict[str, bool]
    """The switches as the dialect showed them, for showing them again."""
    declined: list[str] = []
    """What its owner has switched off, in the words of the features; also what its program cannot do anyway."""
    serves: Serves = "everybody"
    """Whom: who serves only his own people is not paid for it."""
    limits_steps: bool = False
    """As the next one a matter of this pop alone, not of the last check-in that was stored."""
    requires_cover: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker with its owner."""

    id: UUID
    user_id: int
    owner_is_trusted: bool
    owner_is_flagged: bool
    name: str
    kind: str
    agent: str
    terms: OfferTerms
    models: tuple[str, ...]
    threads: int
    info: str | None
    is_in_maintenance: bool
    maintenance_message: str | None
    is_paused: bool
    first_seen: datetime
    last_seen: datetime
    uptime_s: float
    uptime_mk: int
    """Earned for being online; a part of `earned_mk`."""
    fulfilled: int
    uncompleted: int
    things: int
    earned_mk: int
    speeds: tuple[float, ...]
    """Things per second of its last 20 jobs."""
    team_id: UUID | None
    team_name: str | None
    changed_at: datetime
    """By the clock of the database."""
    is_deleted: bool = False

    @classmethod
    def of_row(cls, *, offer: object, models: list[str], speeds: list[float], **columns: object) -> Worker:
        """A worker out of a row of the view `workers_with_owner`."""
        terms = msgspec.convert(offer, OfferTerms)
        return cls(terms=terms, models=tuple(models), speeds=tuple(speeds), **columns)  # type: ignore[arg-type]  # named as the columns

    @property
    def is_serving_all(self) -> bool:
        """Whether it gets requests of others than its owner and, if it says so, its team."""
        return not (self.is_in_maintenance or self.is_paused) and self.terms.serves == "everybody"

    @property
    def is_serving_team(self) -> bool:
        """Whether it gets requests of its team and of nobody else."""
        is_resting = self.is_in_maintenance or self.is_paused
        return not is_resting and self.terms.serves == "team" and self.team_id is not None

    @property
    def speed(self) -> float:
        """Mean things per second."""
        return sum(self.speeds) / len(self.speeds) if self.speeds else KINDS[self.kind].default_speed

    @property
    def is_slow(self) -> bool:
        """Whether it is too slow for who wants fast workers."""
        return self.speed < KINDS[self.kind].slow_below(self.models)

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
            features=KINDS[self.kind].abilities(self.agent).union(self.terms.features),
            sizes=self.terms.sizes,
            nsfw=self.terms.nsfw,
            is_trusted=self.owner_is_trusted,
            is_slow=self.is_slow,
            is_extra_slow=self.terms.is_extra_slow,
            declined=frozenset(self.terms.declined),
            limits_steps=self.terms.limits_steps,
            requires_cover=self.terms.requires_cover,
        )


async def worker_by_id(tx: Tx, worker_id: UUID) -> Worker | None:
    """The worker, online or not."""
    return await tx.maybe(sql.worker_by_id, Worker.of_row, id=worker_id)


async def worker_by_name(tx: Tx, name: str) -> Worker | None:
    """The worker of exactly this name, online or not."""
    return await tx.maybe(sql.workers_named, Worker.of_row, names=[name])


async def workers_of_all(tx: Tx, user_ids: Iterable[int]) -> dict[int, list[UUID]]:
    """The ids of these users' workers, by name."""
    found: defaultdict[int, list[UUID]] = defaultdict(list)
    for user_id, worker_id in await tx.all(sql.workers_of, _owned, users=sorted(set(user_ids))):
        found[user_id].append(worker_id)
    return found


async def people_of_team(tx: Tx, team_id: UUID) -> list[int]:
    """The accounts whose workers a team has."""
    return await tx.values(sql.people_of_team, int, team_id=team_id)


async def names_of(tx: Tx, worker_ids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those of these workers that there still are."""
    return dict(await tx.all(sql.worker_names, _name_of_row, ids=list(worker_ids)))


def _name_of_row(*, id: UUID, name: str) -> tuple[UUID, str]:
    return id, name


async def unknown_among(tx: Tx, worker_ids: list[UUID]) -> list[UUID]:
    """Those of the ids that no worker has."""
    known = await tx.values(sql.known_workers, UUID, ids=worker_ids)
    return [worker_id for worker_id in worker_ids if worker_id not in set(known)]


def _owned(user_id: int, id: UUID) -> tuple[int, UUID]:
    return user_id, id
