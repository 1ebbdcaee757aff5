"""What workers say of jobs that they cannot do."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"

# Harmless in a page, which makes at most five letters of one: `&amp;`.
FAULT_REASON = """
ALTER TABLE jobs
ADD COLUMN fault_reason text CHECK (length(fault_reason) BETWEEN 1 AND 2500),
ADD CHECK (fault_reason IS NULL OR state = 'faulted')
"""


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute(FAULT_REASON)
