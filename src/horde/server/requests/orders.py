"""Requests that were checked and are to be added, and what comes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from horde.errors import HordeError
from horde.kinds.base import Draft, Needs
from horde.server.accounts.sharedkeys import SharedKey
from horde.server.accounts.users import User
from horde.server.idempotency.keys import Key
from horde.server.requests.cost import Cost
from horde.server.requests.sources import Sources
from horde.server.styles.pick import StyleUse
from horde.units import Kudos

LIFE = timedelta(minutes=20)
"""How long a request is kept after its last activity (contract/lifecycle.md, section 8)."""
LIFE_EXTRA_SLOW = timedelta(minutes=60)
"""The same once an extra-slow worker has a job of it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that waits."""

    id: str
    price: Kudos
    """Of one of its jobs."""
    is_possible: bool
    """Whether a worker that is online now could do it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:  # type: ignore[explicit-any]  # a draft of whatever kind
    """A request that was checked and is to be added."""

    id: UUID
    user: User
    draft: Draft[Any]  # type: ignore[explicit-any]
    needs: Needs
    cost: Cost
    key: Key | None = None
    sources: Sources | None = None
    """The pictures that came along, which are stored."""
    group_id: UUID | None = None
    """What it is part of, if it is."""
    style: StyleUse | None = None
    """The style that the draft is asked in."""
    shared: SharedKey | None = None
    """The shared key that it was asked for with; the user is its owner then."""
    stands_as: Kudos | None = None
    """What it waits as if its requestor had; None: what the requestor has."""

    @property
    def asked_id(self) -> UUID:
        """Under which its requestor will know it."""
        return self.group_id or self.id

    @property
    def style_author_id(self) -> int | None:
        """Whom the use of the style is paid to: its author, unless that is who asks."""
        return self.style.owner_id if self.style and self.style.is_foreign(self.user.id) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Orders that are accepted, read and cancelled as one; their requests do not know of each other otherwise."""

    id: UUID
    user: User
    kind: str
    orders: Sequence[Order]
    """With the key and the group of this one; there may be none."""
    has_picture: bool = False
    """Whether the picture of all of them lies in the storage."""
    key: Key | None = None


Outcomes = dict[UUID, Accepted | HordeError]
"""By order."""
