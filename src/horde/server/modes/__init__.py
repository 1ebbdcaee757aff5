"""How the horde is run at the moment: which doors moderators have closed."""

from __future__ import annotations

from horde.server.db.queries import load

sql = load(__package__)
