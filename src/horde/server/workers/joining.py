"""Whether a worker that nobody has seen before may join. Source: contract/lifecycle.md, section 4, "new worker".

The limits are there against strangers, so they hold for those who come from a public address; a horde among one's own
machines has none (docs/decisions/limits-on-new-workers.md). An invitation is asked for wherever a worker comes from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from horde.errors import HordeError, TooManySameIPs, TooManyWorkers, TooManyWorkersTrusted, WorkerInviteOnly
from horde.server.accounts.users import User
from horde.server.db.pool import Tx
from horde.server.moderation.networks import known_address, site
from horde.server.settings import Settings
from horde.server.workers.roster import sql

JOINING_LOCK = 0x4A6F696E
"""Any number that nobody else uses as an advisory lock: the letters "Join"."""


def origin(address: str) -> str:
    """What is kept of where a worker comes from: its public address, of IPv6 the /64 around it.

    Empty for machines of one's own network, for whatever is no address, and when it is not known.
    """
    found = known_address(address)
    if found is None or not found.is_global:
        return ""
    return str(found if found.version == 4 else site(found))


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A worker that wants to join."""

    owner: User
    origin: str
    """As `origin` says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OwnerCount:
    user_id: int
    worker_invited: int
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _OriginCount:
    origin: str
    workers: int


def are_limited(settings: Settings, newcomers: Iterable[Newcomer]) -> bool:
    """Whether any of them could be refused."""
    return settings.invite_only or any(newcomer.origin for newcomer in newcomers)


async def hold_the_door(tx: Tx) -> None:
    """Let nobody else join on any node until the transaction ends, so that what is counted stays true.

    To be called before any row is locked: then nobody waits for each other in a ring.
    """
    await tx.all(sql.hold_the_door, dict, lock_number=JOINING_LOCK)


async def room(tx: Tx, settings: Settings, newcomers: Iterable[Newcomer]) -> Room:
    """How much room there is for these. The door must be held where they are limited."""
    newcomers = list(newcomers)
    if not are_limited(settings, newcomers):
        return Room(settings, {}, {}, {})
    owners = await tx.all(
        sql.workers_of_owners, _OwnerCount, users=sorted({newcomer.owner.id for newcomer in newcomers})
    )
    origins = await tx.all(
        sql.workers_of_origins, _OriginCount, origins=sorted({newcomer.origin for newcomer in newcomers} - {""})
    )
    return Room(
        settings,
        {owner.user_id: owner.workers for owner in owners},
        {owner.user_id: owner.worker_invited for owner in owners},
        {count.origin: count.workers for count in origins},
    )


class Room:
    """How many more workers may join, of whom and from where."""

    def __init__(
        self, settings: Settings, of_owner: Mapping[int, int], invited: Mapping[int, int], of_origin: Mapping[str, int]
    ) -> None:
        self._settings = settings
        self._of_owner, self._of_origin = Counter(of_owner), Counter(of_origin)
        self._invited = invited

    def take(self, newcomer: Newcomer) -> None:
        """Give one a place that is not refused it."""
        self._of_owner[newcomer.owner.id] += 1
        self._of_origin[newcomer.origin] += 1

    def refusal(self, newcomer: Newcomer) -> HordeError | None:
        """Why there is no place for it, if there is none."""
        owner = newcomer.owner
        has, invited = self._of_owner[owner.id], self._invited.get(owner.id, 0)
        if self._settings.invite_only and has >= invited:
            return WorkerInviteOnly(
                f"This horde takes new workers by invitation only, and {owner.alias} is invited for {invited}."
            )
        if not newcomer.origin:
            return None
        most = self._settings.workers_max_trusted if owner.is_trusted else self._settings.workers_max
        if not owner.is_anonymous:
            may_have = max(most, invited) if owner.is_trusted else most
            if has >= may_have:
                refusal = TooManyWorkersTrusted if owner.is_trusted else TooManyWorkers
                return refusal(f"{owner.alias} has {has} workers already; it may have {may_have}.")
        here, may_come = self._of_origin[newcomer.origin], max(most, invited)
        if here >= may_come:
            return TooManySameIPs(f"{here} workers come from {newcomer.origin} already; {may_come} may.")
        return None
