"""Results that are texts, kept with their jobs."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute("ALTER TABLE jobs ADD COLUMN result_text text")
