"""Requests may come with pictures: which of them lie in the storage, and what is to be done with them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Go forward; there is no way back. Null: none came along, as with most requests and all older ones."""
    op.execute("ALTER TABLE requests ADD COLUMN sources jsonb")
