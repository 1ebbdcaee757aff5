"""What every verb needs to act: the services of this process and the moment it acts at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from horde.server.db.notify import Hints
from horde.server.db.pool import Database
from horde.server.settings import Settings
from horde.server.storage.links import Signer
from horde.server.storage.objects import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one server process holds open. Built in `app.py`, closed with it."""

    settings: Settings
    database: Database
    hints: Hints
    objects: Objects
    signer: Signer


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
