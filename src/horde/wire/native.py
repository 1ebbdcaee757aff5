"""The messages of our own routes, which the public AI Horde does not have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from horde.kinds.base import WebhookEvent

USERNAME_MAX = 30
WEBHOOK_LIMIT, WEBHOOK_LIMIT_MAX = 50, 200
"""Deliveries of a page of the log of webhooks: unless said, and at the most."""
WebhookState = Literal["waiting", "sending", "delivered", "dead"]
STATEMENT_LIMIT = 50
STATEMENT_LIMIT_MAX = 500
"""Entries of a page of a statement: unless said, and at the most."""
EntryKind = Literal[
    "opening", "ask", "job", "return", "uptime", "promotion", "gift", "award", "admin", "monthly", "style"
]
"""What moves kudos (docs/concepts/kudos.md, "Your statement")."""
PROGRESS_TEXT_MAX = 100_000
"""Characters; as many as a delivered text may have."""
PREVIEW_BASE64_MAX = 64 * 1024
"""A preview is looked at for a second."""


class Register(msgspec.Struct):
    """Somebody wants a pseudonymous account."""

    username: Annotated[str, Meta(min_length=1, max_length=1000)]


class Registered(msgspec.Struct):
    """The new account. The key is shown this once: only its hash is kept."""

    id: int
    username: str
    """`alias#id`."""
    api_key: str


class WorkerModel(msgspec.Struct, kw_only=True):
    """What a worker did with one model, in things of its kind: pixelsteps for images, tokens for text."""

    model: str
    jobs: int
    things_per_second: float | None
    """Mean of its last 20 jobs with the model; null: it did none yet."""
    is_offered: bool
    """Whether the worker still offers it."""


class WorkerFault(msgspec.Struct, kw_only=True):
    """A job that a worker gave back."""

    job_id: str
    model: str
    """The form, of alchemy."""
    reason: str
    """What the worker said: one line, as HTML has it."""
    ended_at: datetime


class Pockets(msgspec.Struct, kw_only=True):
    """Kudos in the three pockets of an account."""

    spendable: float
    held: float
    """For accepted requests."""
    escrow: float
    """Until its owner is trusted."""


class Purse(Pockets, kw_only=True):
    """What an account holds now."""

    floor: float
    """How low `spendable` may be; what falls below is lifted."""


class StatementEntry(msgspec.Struct, kw_only=True):
    """Something that moved kudos of an account."""

    seq: int
    """Its place in the ledger, by which a statement is ordered."""
    id: str
    kind: EntryKind
    at: datetime
    moved: Pockets
    """Negative: taken away."""
    lifted: float
    """The part of `moved.spendable` that was given to keep the account at its floor."""
    after: Pockets
    request_id: str | None
    job_id: str | None
    worker: str | None
    """The name of the worker that did it, where that is still known."""
    others: list[str]
    """The other accounts that it concerned, where they may be known: those of gifts."""
    explanation: str


class Statement(msgspec.Struct, kw_only=True):
    """A page of what moved in an account, the newest first."""

    username: str
    balance: Purse
    entries: list[StatementEntry]
    next_before: int | None
    """What `before` is for the next page; null: there is none."""


class WebhookSecret(msgspec.Struct, kw_only=True):
    """What your webhooks are signed with, by Standard Webhooks."""

    secret: str
    """`whsec_` and base64, as the libraries of Standard Webhooks take it."""
    made_at: datetime
    previous_until: datetime | None
    """Until then messages carry a second signature, by the secret before; null: they do not."""


class WebhookDelivery(msgspec.Struct, kw_only=True):
    """A message of a webhook and what became of it."""

    id: str
    """What the receiver got as `webhook-id`."""
    event: WebhookEvent
    request: str
    url: str
    state: WebhookState
    """waiting: for its next attempt; sending: just now; delivered: answered with 2xx; dead: it is tried no more."""
    attempts: int
    created_at: datetime
    tried_at: datetime | None
    next_try: datetime | None
    answer_status: int | None
    """Of the last attempt; null: there was no answer."""
    answer_body: str | None
    """Its first 1,024 bytes."""
    failure: str | None
    """Why the last attempt failed, in words."""


class WebhookDeliveries(msgspec.Struct, kw_only=True):
    """A page of the log of your webhooks, the newest first."""

    deliveries: list[WebhookDelivery]
    next_before: int | None
    """What `before` is for the next page; null: there is none."""


class Software(msgspec.Struct, kw_only=True):
    """Which program answers."""

    name: str
    version: str
    repository: str
    """Where it comes from; its own address where nothing else is known."""
    homepage: str
    logo: str
    """Empty: it has none."""


class ApiInfo(msgspec.Struct, kw_only=True):
    """Where an API is."""

    name: str
    version: str
    base_url: str
    rel_url: str
    documentation: str


class ServiceInfo(msgspec.Struct, kw_only=True):
    """What kind of service an address belongs to."""

    version: str
    """Of this message."""
    software: Software
    api: dict[str, ApiInfo]


class ToldProgress(msgspec.Struct, kw_only=True):
    """A worker tells how far a job is."""

    share: Annotated[float, Meta(ge=0, le=1, examples=[0.5])]
    """How much is made, from 0 to 1."""
    text: Annotated[str, Meta(max_length=PROGRESS_TEXT_MAX)] | None = None
    """The text so far, whole."""
    preview: Annotated[str, Meta(max_length=PREVIEW_BASE64_MAX)] | None = None
    """The picture so far: a small webp in base64."""


class ProgressHeard(msgspec.Struct):
    """What a worker hears back."""

    is_wanted: bool
    """False: nobody waits for this job any more, so it may as well stop."""


class JobProgress(msgspec.Struct, kw_only=True):
    """One job that is worked on."""

    id: str
    worker_name: str
    since: str
    share: float
    text: str | None = None
    preview: str | None = None
    """A small webp in base64."""
