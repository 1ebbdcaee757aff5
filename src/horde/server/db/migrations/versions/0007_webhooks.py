"""Webhooks: where a request is told of, what is to be told, and the secrets it is signed with."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"

# As the struct `Webhook`; null for nearly all requests, which costs a row nothing.
REQUESTS = "ALTER TABLE requests ADD COLUMN webhook jsonb"

# What is told outlives the request it is about, so nothing here refers to one. `due_at` is when it is tried next, or,
# while it is being sent, when whoever sends it is taken for dead.
DELIVERIES = """
CREATE TABLE webhook_deliveries (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    user_id bigint NOT NULL REFERENCES users,
    event text NOT NULL CHECK (event IN ('job.done', 'request.done', 'request.faulted', 'request.expired')),
    request_id uuid NOT NULL,
    url text NOT NULL,
    body jsonb NOT NULL,
    picture jsonb,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'delivered', 'dead')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at timestamptz,
    tried_at timestamptz,
    answer_status integer,
    answer_body text,
    failure text,
    created_at timestamptz NOT NULL,
    CHECK ((state IN ('waiting', 'sending')) = (due_at IS NOT NULL))
)
"""

# The bytes themselves, not a hash: who signs needs them. The one before is still signed with for a while.
SECRETS = """
CREATE TABLE webhook_secrets (
    user_id bigint PRIMARY KEY REFERENCES users,
    secret bytea NOT NULL,
    made_at timestamptz NOT NULL,
    previous bytea,
    previous_until timestamptz,
    CHECK ((previous IS NULL) = (previous_until IS NULL))
)
"""

INDEXES = (
    "CREATE INDEX webhook_deliveries_due ON webhook_deliveries (user_id, due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX webhook_deliveries_of_user ON webhook_deliveries (user_id, seq)",
    "CREATE INDEX webhook_deliveries_ended ON webhook_deliveries (created_at) WHERE due_at IS NULL",
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in (REQUESTS, DELIVERIES, SECRETS, *INDEXES):
        op.execute(statement)
