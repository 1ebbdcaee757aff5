"""The engine: ranks, counts by model, idempotency keys, and the indexes that keep every pop as cheap as the first."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

# matching/order.py: 512 turns to a priority. What waits at the time of the change keeps its order.
RANKS = (
    "DROP INDEX requests_of_lane, requests_in_order, requests_of_user",
    "ALTER TABLE requests ADD COLUMN rank bigint",
    "UPDATE requests SET rank = floor(priority)::bigint * 512",
    "ALTER TABLE requests ALTER COLUMN rank SET NOT NULL, DROP COLUMN priority",
    "CREATE INDEX requests_of_lane ON requests (lane_id, rank DESC, seq) WHERE waiting > 0",
    "CREATE INDEX requests_in_order ON requests (kind, rank DESC, seq) WHERE waiting > 0",
    "CREATE INDEX requests_waiting_of_user ON requests (user_id, kind, rank DESC, seq) WHERE waiting > 0",
    "CREATE INDEX requests_of_user ON requests (user_id, seq)",
)

LANES = (
    "ALTER TABLE lanes ADD COLUMN created_at timestamptz NOT NULL DEFAULT now()",
    # The models of a lane stand in its needs, which every node keeps in memory.
    "ALTER TABLE lanes DROP COLUMN models",
)

# `changed_at` is the clock of the database, so that nodes whose clocks differ miss no change.
WORKERS = (
    "DROP INDEX workers_by_last_seen",
    "ALTER TABLE workers ADD COLUMN changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    " ADD COLUMN is_paused boolean NOT NULL DEFAULT false,"
    " ADD COLUMN address text NOT NULL DEFAULT ''",
    "CREATE INDEX workers_by_change ON workers (changed_at)",
    "ALTER TABLE users ADD COLUMN worker_invited integer NOT NULL DEFAULT 0 CHECK (worker_invited >= 0)",
    "DROP VIEW workers_with_owner",
    """
    CREATE VIEW workers_with_owner AS
    SELECT w.id, w.user_id, u.is_trusted AS owner_is_trusted, w.name, w.kind, w.agent, w.offer, w.models, w.threads,
        w.info, w.is_in_maintenance, w.maintenance_message, w.is_paused, w.first_seen, w.last_seen, w.uptime_s,
        w.fulfilled, w.uncompleted, w.things, w.earned_mk, w.speeds, w.changed_at
    FROM workers AS w
    JOIN users AS u ON u.id = w.user_id
    """,
)

# How fast each worker was with each model, the last 20 jobs of each.
WORKER_MODELS = """
CREATE TABLE worker_models (
    worker_id uuid NOT NULL REFERENCES workers ON DELETE CASCADE,
    model text NOT NULL,
    jobs bigint NOT NULL DEFAULT 0,
    speeds double precision[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (worker_id, model)
)
"""

# What was done, by model and slice of ten seconds, so that "in the past minute" needs no history of jobs.
WORK_DONE = """
CREATE TABLE work_done (
    kind text NOT NULL,
    model text NOT NULL,
    slice timestamptz NOT NULL,
    jobs bigint NOT NULL,
    things bigint NOT NULL,
    busy_s double precision NOT NULL,
    PRIMARY KEY (kind, slice, model)
)
"""

IDEMPOTENCY_KEYS = """
CREATE TABLE idempotency_keys (
    user_id bigint NOT NULL REFERENCES users,
    key text NOT NULL,
    digest bytea NOT NULL,
    answer jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
)
"""


def upgrade() -> None:
    """Go forward; there is no way back."""
    tables = (WORKER_MODELS, WORK_DONE, IDEMPOTENCY_KEYS)
    last = ("CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)",)
    for statement in (*RANKS, *LANES, *WORKERS, *tables, *last):
        op.execute(statement)
