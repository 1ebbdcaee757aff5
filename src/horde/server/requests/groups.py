"""Read and cancel requests that were asked for as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from horde.errors import RequestNotFound
from horde.server.context import Context
from horde.server.db import notify
from horde.server.db.notify import News
from horde.server.requests import sql
from horde.server.requests.deliver import pay_for_cancelled
from horde.server.requests.giveback import Return, return_kudos
from horde.server.requests.read import request_id_of, why_given_up
from horde.units import Kudos

PartState = Literal["waiting", "processing", "done", "cancelled", "faulted"]
GroupState = PartState | Literal["partial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One request of a group, of one job, as the database has it."""

    id: UUID
    params: dict[str, object]
    """As the struct of its kind."""
    state: str
    waiting: int
    running: int
    charged_mk: int
    job_id: UUID | None
    """As the others of what was done: None where nothing was."""
    model: str | None
    result_state: str | None
    result_text: str | None
    worker_id: UUID | None
    worker_name: str | None

    @property
    def stands(self) -> PartState:
        """What has become of it."""
        if self.result_state == "cancelled":
            return "cancelled"
        if self.job_id:
            return "done"
        if self.running:
            return "processing"
        if self.waiting:
            return "waiting"
        return "faulted" if self.state == "faulted" else "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupStatus:
    """A group with its parts, in the order in which they were asked for."""

    id: UUID
    parts: Sequence[Part]
    explanations: Mapping[UUID, str]
    """By the id of a part, why it was given up, where a worker said it."""

    @property
    def stands(self) -> GroupState:
        """What has become of all of it. Source: contract/lifecycle.md, section 8."""
        states = {part.stands for part in self.parts}
        if states <= {"faulted"}:
            return "faulted"
        if states == {"done"}:
            return "done"
        if "processing" in states:
            return "processing"
        return "waiting" if "waiting" in states else "partial"


async def group_status(ctx: Context, group_id: str, *, kind: str) -> GroupStatus:
    """Raises RequestNotFound, also for a group of another kind."""
    key = request_id_of(group_id)
    async with ctx.database.statement() as tx:
        parts = await tx.all(sql.parts, Part, id=key, kind=kind)
    if parts or await _is_there(ctx, key, kind):
        return GroupStatus(id=key, parts=parts, explanations=await _explanations(ctx, parts))
    raise RequestNotFound(f"Request with ID '{key}' not found.")


async def _explanations(ctx: Context, parts: Sequence[Part]) -> dict[UUID, str]:
    given_up = [part.id for part in parts if part.stands == "faulted"]
    return {part_id: why for part_id in given_up if (why := await why_given_up(ctx, part_id))}


async def _is_there(ctx: Context, group_id: UUID, kind: str) -> bool:
    """Whether there is such a group, which then never had any parts."""
    async with ctx.database.statement() as tx:
        return bool(await tx.value(sql.is_group, bool, id=group_id, kind=kind))


@dataclass(frozen=True, slots=True)
class _Stopped:
    id: UUID
    user_id: int
    returned_mk: int


async def cancel_group(ctx: Context, group_id: str, *, kind: str) -> GroupStatus:
    """Let nothing more of a group be made, and return it as it stands then. A second call changes nothing.

    What is being made is given up, and paid in full. Raises RequestNotFound, also for a group of another kind.
    """
    found = await group_status(ctx, group_id, kind=kind)
    async with ctx.database.transaction() as tx:
        await tx.values(sql.lock_parts, UUID, id=found.id)
        stopped = await tx.all(sql.cancel_parts, _Stopped, id=found.id)
        returns = [Return(found.id, part.user_id, Kudos(part.returned_mk)) for part in stopped if part.returned_mk]
        await return_kudos(tx, ctx, returns, note="cancelled")
    async with ctx.database.statement() as tx:
        running = await tx.values(sql.running_jobs_of_group, UUID, id=found.id)
    await pay_for_cancelled(ctx, running)
    ctx.services.hints.publish(News(topics=[notify.done(str(found.id))]))
    return await group_status(ctx, group_id, kind=kind)
