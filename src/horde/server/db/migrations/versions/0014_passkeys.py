"""The passkeys of service accounts' proxies, kept as digests like API keys."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Go forward; there is no way back."""
    op.execute(
        """
        CREATE TABLE proxy_passkeys (
            user_id bigint PRIMARY KEY REFERENCES users,
            digest bytea NOT NULL UNIQUE,
            created_at timestamptz NOT NULL
        )
        """
    )
