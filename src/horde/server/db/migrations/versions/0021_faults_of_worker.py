"""What a worker said of its faults is found by the worker."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute("CREATE INDEX jobs_with_reason_of_worker ON jobs (worker_id, ended_at) WHERE fault_reason IS NOT NULL")
