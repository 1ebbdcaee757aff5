"""What a worker is told with the answer to its pop, for its owner to read (docs/decisions/paused-workers.md)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid5

from horde.server.workers.messages import Message
from horde.server.workers.roster import Worker

ORIGIN = "Stable Horde"
"""Who tells a worker what the server has to tell it, not a moderator."""
LIFE = timedelta(hours=12)
"""How long a notice is to be shown (contract/lifecycle.md, section 12: a message lives 12 h unless said otherwise)."""
PAUSED = "This worker was paused by a moderator. It is given {what}; what it delivers is taken and paid as ever. {next}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that a worker's owner should know."""

    id: str
    """Stays the same for the same thing, so that a program can say it once."""
    text: str
    expires_at: datetime
    origin: str = ORIGIN
    """In whose name it is said."""


def of_messages(messages: Iterable[Message]) -> list[Notice]:
    """What others have to say to a worker."""
    return [Notice(id=str(one.id), text=one.message, expires_at=one.expires_at, origin=one.origin) for one in messages]


def notices(worker: Worker, *, now: datetime) -> list[Notice]:
    """What there is to tell this worker now. Pure."""
    if not worker.is_paused:
        return []
    text = PAUSED.format(
        # Nobody owns the workers of the anonymous account, so nobody's requests are their own.
        what="only the requests of its own account" if worker.user_id else "no requests",
        next="Ask the operator of this horde why.",
    )
    return [Notice(id=str(uuid5(worker.id, "paused")), text=text, expires_at=now + LIFE)]
