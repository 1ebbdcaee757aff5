"""Shared keys: an account's kudos in the hands of others, within limits; for whom services ask; wiped accounts."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"

# What NULL leaves open is not limited. The id is what is shown as the key: its owner reads it again in the own account,
# so there is no hash to keep in its place.
SHARED_KEYS = """
CREATE TABLE shared_keys (
    id uuid PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    name text,
    left_mk bigint CHECK (left_mk >= 0),
    utilized_mk bigint NOT NULL DEFAULT 0 CHECK (utilized_mk >= 0),
    expires_at timestamptz,
    max_image_pixels integer CHECK (max_image_pixels >= 0),
    max_image_steps integer CHECK (max_image_steps >= 0),
    max_text_tokens integer CHECK (max_text_tokens >= 0),
    created_at timestamptz NOT NULL
)
"""

# No foreign key: a key may be deleted while requests that were made with it are still served, and they go on.
REQUESTS = "ALTER TABLE requests ADD COLUMN shared_key_id uuid"

# For whom a service asks, in its own words.
PROXIED = "ALTER TABLE requests ADD COLUMN proxied_account text"

# An account that is wiped was deleted before, and nobody knows any more whose it was.
USERS = "ALTER TABLE users ADD COLUMN wiped_at timestamptz, ADD CHECK (wiped_at IS NULL OR deleted_at IS NOT NULL)"

INDEXES = (
    "CREATE INDEX users_wiped ON users (id) WHERE wiped_at IS NOT NULL",
    "CREATE INDEX shared_keys_of_user ON shared_keys (user_id, created_at)",
    "CREATE INDEX requests_of_shared_key ON requests (shared_key_id) WHERE shared_key_id IS NOT NULL",
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in (SHARED_KEYS, REQUESTS, PROXIED, USERS, *INDEXES):
        op.execute(statement)
