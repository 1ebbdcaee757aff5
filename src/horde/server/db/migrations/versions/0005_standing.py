"""What the anonymous account has waiting in some lanes, counted without a look at the rest of its queue."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Go forward; there is no way back."""
    # 0 is the anonymous account. Of all others everything counts, which another index finds; so they pay nothing here.
    op.execute("CREATE INDEX requests_waiting_of_nobody ON requests (lane_id, seq) WHERE waiting > 0 AND user_id = 0")
