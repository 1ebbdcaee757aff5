"""What a worker is told with the answer to its pop, for its owner to read (docs/decisions/paused-workers.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid5

from horde.server.workers.roster import Worker

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
