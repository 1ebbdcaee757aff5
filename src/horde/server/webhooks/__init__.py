"""Webhooks: what happened is written beside what changed, and told until it was heard or a day is over."""

from __future__ import annotations

from horde.server.db.queries import load

sql = load(__package__)
