"""How often each worker failed lately, so that one that fails again and again is put into maintenance."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute(
        "ALTER TABLE workers ADD COLUMN aborted integer NOT NULL DEFAULT 0 CHECK (aborted >= 0),"
        " ADD COLUMN aborted_since timestamptz"
    )
