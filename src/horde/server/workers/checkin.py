"""A worker says that it is there and what it offers. Its first check-in makes it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from horde.errors import AnonForbiddenWorker, BadInput, PolymorphicNameConflict, WrongCredentials
from horde.server.accounts.users import User
from horde.server.db.pool import Tx
from horde.server.workers.roster import ONLINE_FOR, OfferTerms, Worker, lock_worker, sql

NAME_MAX = 100
MODELS_MAX = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn:
    """What a worker says of itself."""

    name: str
    kind: str
    agent: str
    models: tuple[str, ...]
    threads: int
    terms: OfferTerms


async def check_in(tx: Tx, owner: User, said: CheckIn, *, may_be_anonymous: bool, now: datetime) -> Worker:
    """Record the check-in and return the worker, locked for the rest of the transaction.

    Raises AnonForbiddenWorker, PolymorphicNameConflict, WrongCredentials, or BadInput for a worker that names no model.
    """
    if owner.is_anonymous and not may_be_anonymous:
        raise AnonForbiddenWorker
    name = " ".join(said.name.split())[:NAME_MAX]
    if not name:
        raise BadInput("A worker's name cannot be empty.")
    if not said.models:
        raise BadInput(
            "Unfortunately we cannot accept workers serving no model.", hint="name at least one in `models`."
        )
    worker = await lock_worker(tx, name)
    if worker is None:
        await _add(tx, owner, said, name, now=now)
        worker = await lock_worker(tx, name)
    assert worker is not None
    if worker.kind != said.kind:
        raise PolymorphicNameConflict(f"The worker {name!r} is a worker for {worker.kind}.")
    if worker.user_id != owner.id:
        raise WrongCredentials(f"Wrong credentials to submit as this worker: {name!r} belongs to another account.")
    await _update(tx, worker, said, now=now)
    # What matching reads is what was just said; the rest of the row does not decide anything at a pop.
    return replace(worker, agent=said.agent, terms=said.terms, models=said.models, threads=said.threads, last_seen=now)


async def _add(tx: Tx, owner: User, said: CheckIn, name: str, *, now: datetime) -> None:
    await tx.run(
        sql.add_worker,
        id=uuid.uuid4(),
        user_id=owner.id,
        name=name,
        kind=said.kind,
        agent=said.agent,
        offer=msgspec.to_builtins(said.terms),
        models=list(said.models),
        threads=said.threads,
        now=now,
    )


async def _update(tx: Tx, worker: Worker, said: CheckIn, *, now: datetime) -> None:
    # Time between two check-ins counts as uptime unless the worker was gone in between.
    away = now - worker.last_seen
    await tx.run(
        sql.update_worker,
        id=worker.id,
        agent=said.agent,
        offer=msgspec.to_builtins(said.terms),
        models=list(said.models),
        threads=said.threads,
        uptime_s=max(away.total_seconds(), 0.0) if away <= ONLINE_FOR else 0.0,
        now=now,
    )
