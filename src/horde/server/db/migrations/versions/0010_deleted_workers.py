"""Workers can be deleted: their rows stay for what refers to them, and their names are free again."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

STATEMENTS = (
    "ALTER TABLE workers ADD COLUMN deleted_at timestamptz",
    "ALTER TABLE workers DROP CONSTRAINT workers_name_key",
    "CREATE UNIQUE INDEX workers_by_name ON workers (name) WHERE deleted_at IS NULL",
    "DROP VIEW workers_with_owner",
    """
    CREATE VIEW workers_with_owner AS
    SELECT w.id, w.user_id, u.is_trusted AS owner_is_trusted, u.is_flagged AS owner_is_flagged, w.name, w.kind, w.agent,
        w.offer, w.models, w.threads, w.info, w.is_in_maintenance, w.maintenance_message, w.is_paused, w.first_seen,
        w.last_seen, w.uptime_s, w.uptime_mk, w.fulfilled, w.uncompleted, w.things, w.earned_mk, w.speeds, w.team_id,
        t.name AS team_name, w.changed_at, w.deleted_at IS NOT NULL AS is_deleted
    FROM workers AS w
    JOIN users AS u ON u.id = w.user_id
    LEFT JOIN teams AS t ON t.id = w.team_id
    """,
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in STATEMENTS:
        op.execute(statement)
