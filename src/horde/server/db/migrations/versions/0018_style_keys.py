"""Styles whose requests a shared key of their author's pays."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"

# A style is shown with its key, so everybody has read it: it stays what it is when the style is gone.
SHARED_KEYS = "ALTER TABLE shared_keys ADD COLUMN is_for_styles boolean NOT NULL DEFAULT false"

# A key that is deleted leaves its styles, and those who ask in them pay for themselves.
STYLES = "ALTER TABLE styles ADD COLUMN shared_key_id uuid REFERENCES shared_keys ON DELETE SET NULL"

SEEN = """
CREATE OR REPLACE VIEW styles_seen AS
SELECT s.id, s.kind, s.user_id, u.name AS owner, s.name, s.info, s.prompt, s.params, s.is_public, s.is_nsfw, s.tags,
    s.models, s.use_count, s.created_at,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', e.id, 'url', e.url, 'is_primary', e.is_primary)
            ORDER BY e.created_at, e.id)
        FROM style_examples AS e
        WHERE e.style_id = s.id
    ), '[]') AS examples,
    CASE WHEN k.id IS NOT NULL THEN to_jsonb(k) END AS shared_key
FROM styles AS s
JOIN users AS u ON u.id = s.user_id
LEFT JOIN shared_keys AS k ON k.id = s.shared_key_id
"""

INDEX = "CREATE INDEX styles_of_shared_key ON styles (shared_key_id) WHERE shared_key_id IS NOT NULL"


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in (SHARED_KEYS, STYLES, SEEN, INDEX):
        op.execute(statement)
