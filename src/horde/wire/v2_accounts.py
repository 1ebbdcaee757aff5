"""The messages of API v2 for accounts and kudos. Source: contract/api-v2.md, section 6.

As in v2.py: an explicit null is refused, absent is `UNSET`; only the list of accounts shows what is null.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType


class AmountByKind(msgspec.Struct):
    """A count by kind of job."""

    image: int = 0
    text: int = 0
    interrogation: int = 0


class Work(msgspec.Struct):
    """Work by unit."""

    megapixelsteps: float = 0
    tokens: int = 0


class UserRecords(msgspec.Struct):
    """What an account used and gave."""

    usage: Work
    contribution: Work
    fulfillment: AmountByKind
    request: AmountByKind
    style: AmountByKind


class UserKudosDetails(msgspec.Struct):
    """Where an account's kudos come from and went."""

    accumulated: float = 0
    gifted: float = 0
    donated: float = 0
    admin: float = 0
    received: float = 0
    recurring: float = 0
    awarded: float = 0
    styled: float = 0


class ActiveGenerations(msgspec.Struct, omit_defaults=True):
    """Ids of an account's requests that can still be read."""

    image: list[str] | UnsetType = UNSET
    text: list[str] | UnsetType = UNSET


class Usage(msgspec.Struct):
    """Obsolete, and always so: `records` tells it."""

    megapixelsteps: float | None = None
    requests: int | None = None


class Contributions(msgspec.Struct):
    """Obsolete, and always so: `records` tells it."""

    megapixelsteps: float | None = None
    fulfillments: int | None = None


class MonthlyKudos(msgspec.Struct, omit_defaults=True):
    """What is granted every month, and when it was last."""

    amount: int | UnsetType = UNSET
    last_received: str | UnsetType = UNSET


class StyleOfUser(msgspec.Struct):
    """A style of an account."""

    name: str
    """In the form by which it can be asked for: `alias#id::style::name`."""
    id: str
    type: str
    """`image` or `text`."""


class UserSeen(msgspec.Struct, kw_only=True):
    """An account as everybody may see it."""

    username: str
    id: int
    kudos: float
    concurrency: int
    worker_invited: int
    moderator: bool
    trusted: bool
    flagged: bool
    pseudonymous: bool
    service: bool
    education: bool
    customizer: bool
    deleted: bool
    worker_count: int
    account_age: int
    kudos_details: UserKudosDetails
    records: UserRecords
    styles: list[StyleOfUser] = []
    """The public ones; to itself and to moderators all."""
    usage: Usage = msgspec.field(default_factory=Usage)
    contributions: Contributions = msgspec.field(default_factory=Contributions)


class UserAnswer(UserSeen, kw_only=True):
    """An account with what who looks may see of it: its owner and moderators see more."""

    worker_ids: list[str] | UnsetType = UNSET
    sharedkey_ids: list[str] | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    vpn: bool | UnsetType = UNSET
    special: bool | UnsetType = UNSET
    active_generations: ActiveGenerations | UnsetType = UNSET
    evaluating_kudos: float | UnsetType = UNSET
    """In escrow until the account is trusted."""
    monthly_kudos: MonthlyKudos | UnsetType = UNSET
    suspicious: int | UnsetType = UNSET
    admin_comment: str | UnsetType = UNSET


class ListedUser(UserSeen, kw_only=True):
    """An account in a list, which keeps its nulls."""

    worker_ids: list[str] | None = None
    sharedkey_ids: list[str] | None = None
    contact: str | None = None
    vpn: bool | None = None
    special: bool | None = None
    active_generations: dict[str, list[str]] = {}
    evaluating_kudos: float | None = None
    monthly_kudos: dict[str, float] = {}
    suspicious: int | None = None
    admin_comment: str | None = None
    proxy_passkey: str | None = None


KUDOS_MAX = 10**12
"""Far above what anybody has."""
KudosDelta = Annotated[float, Meta(ge=-KUDOS_MAX, le=KUDOS_MAX)]


class UserChange(msgspec.Struct, kw_only=True):
    """What shall be changed of an account; what is left out stays."""

    kudos: KudosDelta | UnsetType = UNSET
    """To give or, where negative, to take."""
    monthly_kudos: KudosDelta | UnsetType = UNSET
    """To add to what is granted every month."""
    usage_multiplier: Annotated[float, Meta(ge=0.1, le=10)] | UnsetType = UNSET
    moderator: bool | UnsetType = UNSET
    concurrency: Annotated[int, Meta(ge=0, le=500)] | UnsetType = UNSET
    worker_invited: Annotated[int, Meta(ge=0, le=2**31 - 1)] | UnsetType = UNSET
    trusted: bool | UnsetType = UNSET
    flagged: bool | UnsetType = UNSET
    customizer: bool | UnsetType = UNSET
    vpn: bool | UnsetType = UNSET
    service: bool | UnsetType = UNSET
    education: bool | UnsetType = UNSET
    special: bool | UnsetType = UNSET
    filtered: bool | UnsetType = UNSET
    """Taken, and does nothing."""
    reset_suspicion: bool = False
    admin_comment: Annotated[str, Meta(min_length=5, max_length=500)] | UnsetType = UNSET
    public_workers: bool | UnsetType = UNSET
    username: Annotated[str, Meta(min_length=3, max_length=100)] | UnsetType = UNSET
    contact: Annotated[str, Meta(min_length=5, max_length=500)] | UnsetType = UNSET
    generate_proxy_passkey: bool = False
    undelete: bool = False


class UserChanged(msgspec.Struct, kw_only=True):
    """What was changed, as it is now."""

    new_kudos: float | UnsetType = UNSET
    monthly_kudos: float | UnsetType = UNSET
    usage_multiplier: float | UnsetType = UNSET
    moderator: bool | UnsetType = UNSET
    concurrency: int | UnsetType = UNSET
    worker_invited: int | UnsetType = UNSET
    trusted: bool | UnsetType = UNSET
    flagged: bool | UnsetType = UNSET
    customizer: bool | UnsetType = UNSET
    vpn: bool | UnsetType = UNSET
    service: bool | UnsetType = UNSET
    education: bool | UnsetType = UNSET
    special: bool | UnsetType = UNSET
    new_suspicion: int | UnsetType = UNSET
    admin_comment: str | UnsetType = UNSET
    public_workers: bool | UnsetType = UNSET
    username: str | UnsetType = UNSET
    contact: str | UnsetType = UNSET
    proxy_passkey: str | UnsetType = UNSET
    """Shown this once: only its hash is kept."""
    undeleted: bool | UnsetType = UNSET


class Transfer(msgspec.Struct, kw_only=True):
    """Kudos for somebody; numbers may also come as text, as the routes of v2 without a schema have it."""

    username: str | int
    """`alias#id`, or an id."""
    amount: int | float | str | bool = 100


class Transferred(msgspec.Struct):
    """How much was given."""

    transferred: float


class Awarded(msgspec.Struct):
    """How much was awarded."""

    awarded: float


Number = int | float | str | bool
"""On routes whose bodies have no schema in the reference: "3" and 1.5 are taken as 3 and 1."""


class SharedKeyChange(msgspec.Struct, kw_only=True):
    """What a shared key shall allow; -1: as much as anybody likes. What is left out stays."""

    kudos: Number | UnsetType = UNSET
    """How many may be spent with it; 5000 for a new key."""
    expiry: Number | UnsetType = UNSET
    """Days from now; -1: never."""
    name: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    max_image_pixels: Number | UnsetType = UNSET
    max_image_steps: Number | UnsetType = UNSET
    max_text_tokens: Number | UnsetType = UNSET


class SharedKeyAnswer(msgspec.Struct, kw_only=True):
    """A shared key: its id is the key. -1: not limited."""

    id: str
    username: str
    kudos: int
    """Whole kudos that may still be spent."""
    utilized: int
    max_image_pixels: int
    max_image_steps: int
    max_text_tokens: int
    name: str | UnsetType = UNSET
    expiry: str | UnsetType = UNSET


class Done(msgspec.Struct):
    """It is done."""

    message: str = "OK"
