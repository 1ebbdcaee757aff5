"""The engine: what happens to a request and its jobs, one verb a file."""

from __future__ import annotations

from horde.server.db.queries import load

sql = load(__package__)
