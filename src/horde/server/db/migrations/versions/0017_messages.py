"""Messages to workers, for their owners to read."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"

# Without a worker it is for all of them.
MESSAGES = """
CREATE TABLE worker_messages (
    id uuid PRIMARY KEY,
    worker_id uuid REFERENCES workers ON DELETE CASCADE,
    user_id bigint NOT NULL REFERENCES users,
    message text NOT NULL CHECK (message <> ''),
    origin text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
)
"""

INDEXES = (
    "CREATE INDEX worker_messages_by_expiry ON worker_messages (expires_at)",
    "CREATE INDEX worker_messages_of_worker ON worker_messages (worker_id, created_at)",
    "CREATE INDEX worker_messages_of_user ON worker_messages (user_id, created_at)",
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in (MESSAGES, *INDEXES):
        op.execute(statement)
