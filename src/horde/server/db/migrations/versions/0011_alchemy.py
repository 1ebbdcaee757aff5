"""Requests that were asked for at once, of one picture, and are read and cancelled as one: groups."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"

# `expires_at` is that of a group without requests; the others live as long as the last of theirs.
GROUPS = """
CREATE TABLE request_groups (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    kind text NOT NULL,
    has_picture boolean NOT NULL,
    expires_at timestamptz NOT NULL
)
"""

STATEMENTS = (
    GROUPS,
    "CREATE INDEX request_groups_by_expiry ON request_groups (expires_at)",
    "ALTER TABLE requests ADD COLUMN group_id uuid REFERENCES request_groups",
    # Most requests are in none, and cost these indexes nothing.
    "CREATE INDEX requests_of_group ON requests (group_id) WHERE group_id IS NOT NULL",
    "CREATE INDEX parts_by_expiry ON requests (expires_at) WHERE group_id IS NOT NULL",
    "CREATE INDEX parts_running_of_user ON requests (user_id) WHERE group_id IS NOT NULL AND running > 0",
    # A job that was paid because its requestor cancelled it has no result. What is there was checked before.
    "ALTER TABLE jobs DROP CONSTRAINT jobs_result_state_check",
    "ALTER TABLE jobs ADD CONSTRAINT jobs_result_state_check"
    " CHECK (result_state IN ('ok', 'censored', 'csam', 'cancelled')) NOT VALID",
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in STATEMENTS:
        op.execute(statement)
