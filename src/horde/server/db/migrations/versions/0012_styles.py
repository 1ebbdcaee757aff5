"""Styles with their examples, and collections of them."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"

# `params` holds what its author named and nothing else: what is left out is the requestor's, or the default.
STYLES = """
CREATE TABLE styles (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    user_id bigint NOT NULL REFERENCES users,
    name text NOT NULL,
    info text,
    prompt text NOT NULL,
    params jsonb NOT NULL,
    is_public boolean NOT NULL,
    is_nsfw boolean NOT NULL,
    tags text[] NOT NULL,
    models text[] NOT NULL,
    use_count bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    UNIQUE (user_id, name)
)
"""

EXAMPLES = """
CREATE TABLE style_examples (
    id uuid PRIMARY KEY,
    style_id uuid NOT NULL REFERENCES styles ON DELETE CASCADE,
    url text NOT NULL,
    is_primary boolean NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (style_id, url)
)
"""

COLLECTIONS = """
CREATE TABLE style_collections (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    user_id bigint NOT NULL REFERENCES users,
    name text NOT NULL,
    info text,
    is_public boolean NOT NULL,
    use_count bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    UNIQUE (user_id, name)
)
"""

# A style that is deleted is in no collection any more; a collection without styles stays.
MEMBERS = """
CREATE TABLE style_members (
    collection_id uuid NOT NULL REFERENCES style_collections ON DELETE CASCADE,
    style_id uuid NOT NULL REFERENCES styles ON DELETE CASCADE,
    place integer NOT NULL,
    PRIMARY KEY (collection_id, style_id)
)
"""

SEEN = """
CREATE VIEW styles_seen AS
SELECT s.id, s.kind, s.user_id, u.name AS owner, s.name, s.info, s.prompt, s.params, s.is_public, s.is_nsfw, s.tags,
    s.models, s.use_count, s.created_at,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', e.id, 'url', e.url, 'is_primary', e.is_primary)
            ORDER BY e.created_at, e.id)
        FROM style_examples AS e
        WHERE e.style_id = s.id
    ), '[]') AS examples
FROM styles AS s
JOIN users AS u ON u.id = s.user_id
"""

COLLECTIONS_SEEN = """
CREATE VIEW style_collections_seen AS
SELECT c.id, c.kind, c.user_id, u.name AS owner, c.name, c.info, c.is_public, c.use_count, c.created_at,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name) ORDER BY m.place)
        FROM style_members AS m
        JOIN styles AS s ON s.id = m.style_id
        WHERE m.collection_id = c.id
    ), '[]') AS styles
FROM style_collections AS c
JOIN users AS u ON u.id = c.user_id
"""

INDEXES = (
    # By name alone: the oldest one is meant.
    "CREATE INDEX styles_of_name ON styles (name, created_at)",
    "CREATE INDEX style_collections_of_name ON style_collections (name, created_at)",
    # The pages of the public lists.
    "CREATE INDEX styles_popular ON styles (kind, use_count DESC, id) WHERE is_public",
    "CREATE INDEX styles_aged ON styles (kind, created_at, id) WHERE is_public",
    "CREATE INDEX styles_of_tags ON styles USING gin (tags)",
    "CREATE INDEX styles_of_models ON styles USING gin (models)",
    "CREATE INDEX style_collections_popular ON style_collections (use_count DESC, id) WHERE is_public",
    "CREATE INDEX style_collections_aged ON style_collections (created_at, id) WHERE is_public",
    "CREATE UNIQUE INDEX style_examples_primary ON style_examples (style_id) WHERE is_primary",
    "CREATE INDEX style_members_of_style ON style_members (style_id)",
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    for statement in (STYLES, EXAMPLES, COLLECTIONS, MEMBERS, SEEN, COLLECTIONS_SEEN, *INDEXES):
        op.execute(statement)
