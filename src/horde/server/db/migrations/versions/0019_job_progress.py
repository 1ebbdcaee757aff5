"""How far jobs are, as their workers tell it."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"

# Unlogged: it is of no use after a crash, and it is written every second for every job.
PROGRESS = """
CREATE UNLOGGED TABLE job_progress (
    job_id uuid PRIMARY KEY REFERENCES jobs ON DELETE CASCADE,
    share real NOT NULL CHECK (share BETWEEN 0 AND 1),
    text text,
    preview bytea,
    told_at timestamptz NOT NULL
)
"""


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute(PROGRESS)
