"""What others than the worker itself set of a worker: maintenance, pause, its name and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from horde.errors import (
    AnonForbiddenWorker,
    BadInput,
    NotModerator,
    NotOwner,
    NoWorkerModSelected,
    WorkerNameAlreadyExists,
    WorkerNotFound,
)
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.moderation.harmless import harmless
from horde.server.teams.membership import join, leave
from horde.server.workers.checkin import tidy
from horde.server.workers.online import online
from horde.server.workers.read import worker
from horde.server.workers.roster import ONLINE_FOR, Worker, sql, worker_by_id, worker_by_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be different; None: stays as it is."""

    is_in_maintenance: bool | None = None
    maintenance_message: str = ""
    """What the worker is told while in maintenance; empty: the usual. Only used where it is put into maintenance."""
    is_paused: bool | None = None
    info: str | None = None
    """Empty: nothing is said any more."""
    name: str | None = None
    team_id: str | None = None
    """Empty: it leaves its team."""


async def modify(ctx: Context, caller: User, worker_id: str, changes: Changes) -> Worker:
    """Change a worker for its owner or for a moderator; returns it as it is now. Safe to call twice.

    Raises WorkerNotFound, NoWorkerModSelected, AnonForbiddenWorker, NotOwner, NotModerator, and what `change` raises.
    """
    found = await worker(ctx, worker_id)
    _check(caller, found, changes)
    return await change(ctx, found.id, changes)


async def change(ctx: Context, worker_id: UUID, changes: Changes) -> Worker:
    """Change a worker, whoever wishes it; returns it as it is now. Other nodes see it within a second or so.

    Raises WorkerNotFound, WorkerNameAlreadyExists, TeamNotFound, BadInput for an empty name, Overloaded.
    """
    name = None if changes.name is None else tidy(changes.name)
    if name == "":
        raise BadInput("A worker's name cannot be empty.")
    async with ctx.database.transaction() as tx:
        await tx.values(sql.lock_workers, UUID, ids=[worker_id])
        if name and (namesake := await worker_by_name(tx, name)) and namesake.id != worker_id:
            raise WorkerNameAlreadyExists(f"There is another worker with the name {name!r}.")
        await tx.run(
            sql.modify_worker,
            id=worker_id,
            is_in_maintenance=changes.is_in_maintenance,
            maintenance_message=harmless(changes.maintenance_message),
            is_paused=changes.is_paused,
            info=None if changes.info is None else harmless(changes.info),
            name=name,
            now=ctx.now,
            online_for=ONLINE_FOR,
        )
        if changes.is_paused is False:
            # Else the next reason would pause it again at once.
            await tx.run(sql.clear_worker, id=worker_id)
        if changes.team_id is not None:
            await (join(tx, worker_id, changes.team_id) if changes.team_id else leave(tx, worker_id))
        changed = await worker_by_id(tx, worker_id)
    if changed is None:
        raise WorkerNotFound
    if changed.is_online(ctx.now):
        (await online(ctx)).put(changed)
    return changed


def _check(caller: User, found: Worker, changes: Changes) -> None:
    # Source: contract/api-v2.md, section 7: which refusal is for which field.
    if changes == Changes(maintenance_message=changes.maintenance_message):
        raise NoWorkerModSelected(hint="give at least one of maintenance, paused, info, name and team.")
    if caller.is_anonymous:
        raise AnonForbiddenWorker(
            "The anonymous account may not change workers: it is everybody's.",
            hint="the operator can: horde admin worker NAME --maintenance off.",
        )
    if caller.is_moderator:
        return
    is_owner = caller.id == found.user_id
    if changes.is_paused is not None:
        raise NotModerator("Only moderators may pause a worker or end its pause.")
    if not is_owner and changes.name is not None:
        raise NotModerator("Only its owner or a moderator may give a worker another name.")
    if not is_owner and changes.team_id is not None:
        raise NotModerator("Only its owner and moderators may say in which team a worker is.")
    if not is_owner:
        raise NotOwner(f"The worker {found.name!r} belongs to another account.")
