"""What moderators keep out: addresses for a time, prompts by regular expressions; and what speaks against accounts."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"

# A block is set by a moderator; a timeout follows from a prompt that was refused. An address may have both.
ADDRESS_BLOCKS = """
CREATE TABLE address_blocks (
    network cidr NOT NULL,
    is_timeout boolean NOT NULL,
    ends_at timestamptz NOT NULL,
    PRIMARY KEY (network, is_timeout)
)
"""

FILTERS = """
CREATE TABLE filters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    regex text NOT NULL CHECK (regex <> ''),
    filter_type smallint NOT NULL CHECK (filter_type BETWEEN 10 AND 29),
    description text,
    replacement text NOT NULL DEFAULT '',
    user_id bigint REFERENCES users ON DELETE SET NULL,
    created_at timestamptz NOT NULL
)
"""

# What every process looks at to see whether its copy of the two tables is still true. Who changes
# something locks the row first, so changes come one after the other.
MODERATION_REVISIONS = """
CREATE TABLE moderation_revisions (
    subject text PRIMARY KEY CHECK (subject IN ('blocks', 'filters')),
    revision bigint NOT NULL DEFAULT 0
)
"""

CORRUPT_PROMPTS = """
CREATE TABLE corrupt_prompts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    network cidr NOT NULL,
    at timestamptz NOT NULL
)
"""

# Reasons that count once for each account, however often they are given.
USER_SUSPICIONS = """
CREATE TABLE user_suspicions (
    user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    reason text NOT NULL,
    PRIMARY KEY (user_id, reason)
)
"""

WORKER_SUSPICIONS = """
CREATE TABLE worker_suspicions (
    worker_id uuid NOT NULL REFERENCES workers ON DELETE CASCADE,
    reason text NOT NULL,
    points integer NOT NULL DEFAULT 1 CHECK (points > 0),
    PRIMARY KEY (worker_id, reason)
)
"""


def upgrade() -> None:
    """Go forward; there is no way back."""
    suspicions = (USER_SUSPICIONS, WORKER_SUSPICIONS)
    for table in (ADDRESS_BLOCKS, FILTERS, MODERATION_REVISIONS, CORRUPT_PROMPTS, *suspicions):
        op.execute(table)
    # By a hash: an expression may be longer than what an index takes.
    op.execute("CREATE UNIQUE INDEX filters_are_different ON filters (filter_type, md5(regex))")
    op.execute("INSERT INTO moderation_revisions (subject) VALUES ('blocks'), ('filters')")
    op.execute("CREATE INDEX address_blocks_by_end ON address_blocks (ends_at)")
    op.execute("CREATE INDEX corrupt_prompts_of_network ON corrupt_prompts (network, at)")
    op.execute("CREATE INDEX corrupt_prompts_by_age ON corrupt_prompts (at)")
