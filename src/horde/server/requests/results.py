"""A job's result on its way in: what is handed in, the job it is of, what it is worth, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from horde.server.idempotency.keys import Key
from horde.server.ledger.jobs import JobPayment
from horde.units import Kudos

ResultState = Literal["ok", "censored", "csam"]
EndState = ResultState | Literal["cancelled"]
"""Of which the last is said of what its requestor gave up while it was made, and paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a worker hands in."""

    job_id: str
    kind: str
    """Of which kind the job is taken to be: one of another kind is not known to who delivers this."""
    picture: bytes | None = None
    """Of kinds that make files; None: it was uploaded to the job's link before."""
    text: str = ""
    """Of the other kinds; files that belong to it were uploaded to the job's link before."""
    state: EndState
    seed: int
    gen_metadata: list[object]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job with what of its request and worker settles it."""

    id: UUID
    request_id: UUID
    worker_id: UUID
    worker_owner_id: int
    worker_agent: str
    worker_is_in_maintenance: bool
    worker_team_id: UUID | None
    worker_is_from_outside: bool
    """Whether it comes from a public address."""
    requestor_id: int
    kind: str
    state: str
    model: str
    leased_at: datetime
    reward_mk: int
    is_unpaid: bool
    things: int
    charge_factor: float
    charge_extra_mk: int
    worker_name: str
    is_inline: bool
    webhook: dict[str, object] | None
    """As the struct `Webhook`; nearly always None."""
    group_id: UUID | None
    """What the request is part of, if it is."""
    shared_key_id: UUID | None
    params: dict[str, object] | None
    """As the next one only of kinds whose worth follows from what was made."""
    prompt_characters: int | None

    @property
    def asked_id(self) -> UUID:
        """Under which the requestor knows the request."""
        return self.group_id or self.request_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What the delivery of a job brought, in milli-kudos."""

    reward_mk: int
    """What the job was worth, whoever did it."""
    credited_mk: int = 0
    """What the worker's owner was credited with, escrow included."""
    escrowed_mk: int = 0
    """The part of it that the owner cannot spend before being trusted."""


@dataclass(frozen=True, slots=True)
class Result:
    """A delivery whose file is stored, if it is one."""

    job: Job
    delivery: Delivery
    worth: Kudos
    payment: JobPayment
    key: Key | None = None

    @property
    def paid(self) -> Paid:
        """What it brings, once it is settled."""
        payment = self.payment
        return Paid(reward_mk=self.worth, credited_mk=payment.credit, escrowed_mk=payment.escrow)


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """A job that was finished now, with what is held for its request."""

    id: UUID
    request_id: UUID
    held_before_mk: int
    held_after_mk: int
    is_over: bool
    """Whether its request is done: nothing of it waits or runs any more."""
