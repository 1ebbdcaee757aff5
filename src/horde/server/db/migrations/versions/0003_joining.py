"""Where workers come from, to be counted when another one joins."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute("CREATE INDEX workers_of_origin ON workers (address) WHERE address <> ''")
