"""The modes of the whole horde, accounts for tests of clients, and the work of hours, days and ever."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"

# One row, which is there from the beginning.
MODES = (
    """
    CREATE TABLE modes (
        is_the_one boolean PRIMARY KEY DEFAULT true CHECK (is_the_one),
        maintenance boolean NOT NULL DEFAULT false,
        invite_only boolean NOT NULL DEFAULT false,
        raid boolean NOT NULL DEFAULT false
    )
    """,
    "INSERT INTO modes DEFAULT VALUES",
)

# Which accounts were made for tests, and by which name each test knows its own again.
DEV_USERS = """
CREATE TABLE dev_users (
    oauth_id text PRIMARY KEY,
    user_id bigint NOT NULL UNIQUE REFERENCES users
)
"""

# What `work_done` tells of the last hours by slices of seconds, of earlier times: the older, the coarser.
WORK_HISTORY = """
CREATE TABLE work_history (
    kind text NOT NULL,
    model text NOT NULL,
    period text NOT NULL CHECK (period IN ('hour', 'day', 'ever')),
    begins timestamptz NOT NULL,
    jobs bigint NOT NULL,
    things bigint NOT NULL,
    PRIMARY KEY (kind, period, begins, model)
)
"""


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in (*MODES, DEV_USERS, WORK_HISTORY):
        op.execute(statement)
