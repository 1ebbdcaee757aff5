"""What every verb needs to act: the services of this process and the moment it acts at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from horde.server.db.batch import Batches, Work
from horde.server.db.notify import Hints
from horde.server.db.pool import Database
from horde.server.memory import Memory
from horde.server.settings import Settings
from horde.server.storage.links import Signer
from horde.server.storage.objects import Objects

I = TypeVar("I")  # noqa: E741 - what goes into a batch
O = TypeVar("O")  # noqa: E741 - what comes out of it
M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one server process holds open. Built in `app.py`, closed with it."""

    settings: Settings
    database: Database
    hints: Hints
    objects: Objects
    signer: Signer
    batches: Batches = field(default_factory=Batches)
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True, slots=True)
class Context:
    """The services, and `now`: nobody below asks the clock."""

    services: Services
    now: datetime

    @classmethod
    def at_present(cls, services: Services) -> Context:
        """A context of this very moment; called at the edge, once a request or tick."""
        return cls(services, datetime.now(UTC))

    @property
    def database(self) -> Database:
        """Shorthand for the database of the services."""
        return self.services.database

    async def together(self, work: Work[Context, I, O], item: I) -> O:
        """Have `item` answered by `work` in one batch with the calls that are there at the same time.

        Raises what the item was refused with.
        """
        return await self.services.batches.join(work, self, item)

    def remembered(self, kind: type[M]) -> M:
        """What this process remembers in the class `kind`."""
        return self.services.memory.of(kind)
