"""The messages of our own routes, which the public AI Horde does not have."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

USERNAME_MAX = 30
STATEMENT_LIMIT = 50
STATEMENT_LIMIT_MAX = 500
"""Entries of a page of a statement: unless said, and at the most."""
EntryKind = Literal[
    "opening", "ask", "job", "return", "uptime", "promotion", "gift", "award", "admin", "monthly", "style"
]
"""What moves kudos (docs/concepts/kudos.md, "Your statement")."""


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
