"""A worker says that it is there and what it offers. Its first check-in makes it.

Most calls change nothing: who said the same less than 30 s ago is answered out of memory.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from horde.errors import (
    AnonForbiddenWorker,
    BadInput,
    DeletedUser,
    HordeError,
    PolymorphicNameConflict,
    WrongCredentials,
)
from horde.errors.moderation import WorkerFlaggedMaintenance
from horde.kinds import KINDS
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.db.pool import Tx
from horde.server.moderation.blocks import refuse_blocked
from horde.server.moderation.harmless import harmless
from horde.server.modes.modes import modes
from horde.server.workers.joining import Newcomer, are_limited, hold_the_door, origin, room
from horde.server.workers.online import Member, online
from horde.server.workers.roster import ONLINE_FOR, OfferTerms, Worker, sql
from horde.server.workers.suspicion import Reason, Suspect, reasons_in_offer, suspect_workers
from horde.server.workers.uptime import PAID_AFTER_S, pay_uptime

NAME_MAX = 100
MODELS_MAX = 300
DEBOUNCE = timedelta(seconds=30)
"""How long a check-in that says nothing new is not written down (contract/lifecycle.md, section 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """What a worker says of itself."""

    name: str
    kind: str
    agent: str
    models: tuple[str, ...]
    threads: int
    terms: OfferTerms
    address: str = ""
    """Where the call came from; empty: not known."""


@dataclass(frozen=True, slots=True)
class _Call:
    owner: User
    said: CheckIn
    reasons: tuple[Reason, ...] = ()
    """What speaks against it in what it says."""

    @property
    def newcomer(self) -> Newcomer:
        return Newcomer(self.owner, origin(self.said.address))


async def check_in(ctx: Context, owner: User, said: CheckIn) -> Member:
    """Record the check-in, where it has news, and return the worker as it is now.

    Raises DeletedUser; WorkerFlaggedMaintenance; AnonForbiddenWorker; TimeoutIP; PolymorphicNameConflict; for a new
    worker WorkerInviteOnly, TooManyWorkers, TooManyWorkersTrusted, TooManySameIPs; WrongCredentials; or BadInput for a
    worker that names no model, or one that it may not offer.
    """
    if owner.is_deleted:
        raise DeletedUser
    if owner.is_flagged:
        raise WorkerFlaggedMaintenance
    if owner.is_anonymous and not ctx.services.settings.anonymous_workers:
        raise AnonForbiddenWorker
    if not (owner.is_trusted or owner.is_vpn):
        await refuse_blocked(ctx, said.address)
    name = tidy(said.name)
    if not name:
        raise BadInput("A worker's name cannot be empty.")
    reasons = () if owner.is_trusted else tuple(reasons_in_offer(said.name, said.terms.sizes))
    said = replace(said, name=name)
    now_online = await online(ctx)
    member = now_online.named(name)
    if member is None or not _is_old_news(member.worker, owner, said, ctx.now):
        worker = await ctx.together(_check_in_together, _Call(owner, said, reasons))
        member = now_online.put(worker)
    return member


def tidy(name: str) -> str:
    """A worker's name as it is kept: without needless white space, not too long, and harmless in pages that show it."""
    return harmless(" ".join(name.split())[:NAME_MAX])


def _is_old_news(worker: Worker, owner: User, said: CheckIn, now: datetime) -> bool:
    return (
        timedelta(0) <= now - worker.last_seen < DEBOUNCE
        and worker.user_id == owner.id
        and worker.kind == said.kind
        and worker.models == said.models
        and worker.terms == said.terms
        and worker.agent == said.agent
        and worker.threads == said.threads
    )


async def _check_in_together(ctx: Context, calls: Sequence[_Call]) -> list[Worker | HordeError]:
    invite_only = (await modes(ctx)).invite_only
    async with ctx.database.transaction() as tx:
        known = await _named(tx, {call.said.name for call in calls})
        refusals = await _admit(tx, ctx, calls, known, invite_only=invite_only)
        outcomes: dict[str, Worker] = {}
        origins: dict[str, str] = {}
        for index, call in enumerate(calls):
            if index in refusals:
                continue
            worker = known[call.said.name]
            if refusal := _refusal(worker, call):
                refusals[index] = refusal
            else:
                outcomes[worker.name] = _as_said(worker, call.said, ctx.now)
                origins[worker.name] = call.newcomer.origin
        due = await _update(tx, outcomes, origins, ctx.now)
        await suspect_workers(tx, _suspects(calls, outcomes))
        await pay_uptime(tx, [worker for worker in outcomes.values() if worker.id in due], now=ctx.now)
    return [refusals.get(index) or outcomes[call.said.name] for index, call in enumerate(calls)]


def _suspects(calls: Sequence[_Call], outcomes: dict[str, Worker]) -> list[Suspect]:
    return [
        Suspect(worker_id=outcomes[call.said.name].id, owner_id=call.owner.id, reason=reason)
        for call in calls
        if call.reasons and call.said.name in outcomes and outcomes[call.said.name].user_id == call.owner.id
        for reason in call.reasons
    ]


async def _admit(
    tx: Tx, ctx: Context, calls: Sequence[_Call], known: dict[str, Worker], *, invite_only: bool
) -> dict[int, HordeError]:
    """Make the workers that are new, add them to those `known`, and return who is refused, by place among the calls."""
    settings = msgspec.structs.replace(ctx.services.settings, invite_only=invite_only)
    strangers = {index: call for index, call in enumerate(calls) if call.said.name not in known}
    if strangers and are_limited(settings, [call.newcomer for call in strangers.values()]):
        await hold_the_door(tx)
        # One of them may have joined on another node before the door was ours.
        known |= await _named(tx, {call.said.name for call in strangers.values()})
        strangers = {index: call for index, call in strangers.items() if call.said.name not in known}
    if not strangers:
        return {}
    places = await room(tx, settings, [call.newcomer for call in strangers.values()])
    new: dict[str, _Call] = {}
    refusals: dict[int, HordeError] = {}
    for index, call in strangers.items():
        if call.said.name in new:
            continue
        if refusal := places.refusal(call.newcomer) or _unusable(call):
            refusals[index] = refusal
        else:
            places.take(call.newcomer)
            new[call.said.name] = call
    if new:
        await tx.run(sql.add_workers, workers=[_new_row(call, ctx.now) for call in new.values()])
        known |= await _named(tx, set(new))
    return refusals


async def _named(tx: Tx, names: set[str]) -> dict[str, Worker]:
    return {worker.name: worker for worker in await tx.all(sql.workers_named, Worker.of_row, names=sorted(names))}


def _refusal(worker: Worker, call: _Call) -> HordeError | None:
    if worker.kind != call.said.kind:
        return PolymorphicNameConflict(f"The worker {worker.name!r} is a worker for {worker.kind}.")
    if worker.user_id != call.owner.id:
        return WrongCredentials(
            f"Wrong credentials to submit as this worker: {worker.name!r} belongs to another account."
        )
    return _unusable(call)


def _unusable(call: _Call) -> HordeError | None:
    said, kind = call.said, KINDS[call.said.kind]
    if said.models or not kind.has_models:
        try:
            kind.check_server(said.models, call.owner.person)
        except HordeError as refusal:
            return refusal
        return None
    return BadInput("Unfortunately we cannot accept workers serving no model.", hint="name at least one in `models`.")


def _new_row(call: _Call, now: datetime) -> dict[str, object]:
    said = call.said
    return {
        "id": uuid.uuid4(),
        "user_id": call.owner.id,
        "name": said.name,
        "kind": said.kind,
        "now": now,
        "agent": said.agent,
        "offer": said.terms,
        "models": said.models,
        "threads": said.threads,
        "address": call.newcomer.origin,
    }


def _as_said(worker: Worker, said: CheckIn, now: datetime) -> Worker:
    # As `update_workers` counts it, unless another node counts at the same time: then it is right after the next look.
    away = now - worker.last_seen
    is_up = away <= ONLINE_FOR and worker.is_serving_all
    return replace(
        worker,
        agent=said.agent,
        terms=said.terms,
        models=said.models,
        threads=said.threads,
        last_seen=max(worker.last_seen, now),
        uptime_s=worker.uptime_s + (max(away.total_seconds(), 0.0) if is_up else 0.0),
    )


async def _update(tx: Tx, said: dict[str, Worker], origins: dict[str, str], now: datetime) -> set[UUID]:
    """Write it down; returns who is to be paid for being online."""
    rows: list[dict[str, object]] = [
        {
            "id": worker.id,
            "agent": worker.agent,
            "offer": worker.terms,
            "models": worker.models,
            "threads": worker.threads,
            "address": origins[worker.name],
        }
        for worker in said.values()
    ]
    if not rows:
        return set()
    await tx.values(sql.lock_workers, UUID, ids=sorted(worker.id for worker in said.values()))
    due = await tx.values(
        sql.update_workers,
        UUID,
        workers=msgspec.to_builtins(rows),
        now=now,
        online_for=ONLINE_FOR,
        pay_after_s=float(PAID_AFTER_S),
    )
    return set(due)
