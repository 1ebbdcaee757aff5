"""The economy: a ledger of events and postings, holds, escrow, records, teams, and what accounts may be and get."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"

# `monthly_since` is when the clock of the monthly kudos was started, from which the day of the month is counted, and
# `monthly_due_at` when they are due next.
USERS = """
ALTER TABLE users
    ADD COLUMN usage_multiplier double precision NOT NULL DEFAULT 1 CHECK (usage_multiplier BETWEEN 0.1 AND 10),
    ADD COLUMN monthly_mk bigint NOT NULL DEFAULT 0 CHECK (monthly_mk >= 0),
    ADD COLUMN monthly_since timestamptz,
    ADD COLUMN monthly_due_at timestamptz,
    ADD COLUMN is_admin boolean NOT NULL DEFAULT false,
    ADD COLUMN is_flagged boolean NOT NULL DEFAULT false,
    ADD COLUMN is_service boolean NOT NULL DEFAULT false,
    ADD COLUMN is_education boolean NOT NULL DEFAULT false,
    ADD COLUMN is_customizer boolean NOT NULL DEFAULT false,
    ADD COLUMN is_vpn boolean NOT NULL DEFAULT false,
    ADD COLUMN is_special boolean NOT NULL DEFAULT false,
    ADD COLUMN has_public_workers boolean NOT NULL DEFAULT false,
    ADD COLUMN suspicion integer NOT NULL DEFAULT 0 CHECK (suspicion >= 0),
    ADD COLUMN contact text,
    ADD COLUMN admin_comment text,
    ADD COLUMN deleted_at timestamptz,
    ADD COLUMN gets_monthly boolean NOT NULL
        GENERATED ALWAYS AS ((monthly_mk > 0 OR is_moderator) AND deleted_at IS NULL) STORED,
    ADD CHECK ((monthly_since IS NULL) = (monthly_due_at IS NULL))
"""

# An account as the house sees one: what reads it reads this, so that all read the same. When it had its monthly kudos
# last is told to within the days by which months differ.
USERS_WITH_ROLES = """
CREATE VIEW users_with_roles AS
SELECT id, name, is_pseudonymous, is_trusted, is_moderator, is_admin, is_flagged, is_service, is_education,
    is_customizer, is_vpn, is_special, has_public_workers, concurrency, worker_invited, usage_multiplier, suspicion,
    monthly_mk, greatest(monthly_since, monthly_due_at - interval '1 month') AS monthly_paid_at, contact, admin_comment,
    created_at, deleted_at IS NOT NULL AS is_deleted
FROM users
"""

# What each account used and gave, by kind of job, in the kind's own things.
USER_RECORDS = """
CREATE TABLE user_records (
    user_id bigint NOT NULL REFERENCES users,
    kind text NOT NULL,
    requests bigint NOT NULL DEFAULT 0,
    used double precision NOT NULL DEFAULT 0,
    fulfilled bigint NOT NULL DEFAULT 0,
    contributed bigint NOT NULL DEFAULT 0,
    styled bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, kind)
)
"""

# A user's account has three pockets: what can be spent, what is held for accepted requests, and what is in escrow until
# its owner is trusted. The accounts of the system (`mint`, `burn`) keep no balance, so that nobody waits for anybody
# else there; theirs is the sum of their postings, as in the view below.
ACCOUNTS = (
    "ALTER TABLE ledger_accounts RENAME COLUMN balance_mk TO spendable_mk",
    """
    ALTER TABLE ledger_accounts
        ADD COLUMN held_mk bigint NOT NULL DEFAULT 0 CHECK (held_mk >= 0),
        ADD COLUMN escrow_mk bigint NOT NULL DEFAULT 0 CHECK (escrow_mk >= 0),
        ADD COLUMN lifted_mk bigint NOT NULL DEFAULT 0,
        ADD COLUMN floor_mk bigint
    """,
    """
    UPDATE ledger_accounts AS a
    SET floor_mk = CASE WHEN u.id = 0 THEN -50000 WHEN u.is_pseudonymous THEN 14000 ELSE 25000 END
    FROM users AS u
    WHERE u.id = a.user_id
    """,
    "UPDATE ledger_accounts SET spendable_mk = 0 WHERE user_id IS NULL",
)

EVENTS = """
CREATE TABLE ledger_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('opening', 'ask', 'job', 'return', 'uptime', 'promotion', 'gift', 'award',
        'admin', 'monthly', 'style')),
    request_id uuid,
    job_id uuid,
    worker_id uuid,
    note text,
    at timestamptz NOT NULL
)
"""

# What an event moves in one account; over all postings of an event, and all pockets, the sum is zero. `lifted_mk` is
# the part of `spendable_mk` that was given to keep the account at its floor. The columns `*_after_mk` say what the
# pockets held then: a chain in which the first broken link can be named. There are no foreign keys, which would cost a
# look at every row that is hot; `horde admin ledger verify` looks for what they would refuse.
POSTINGS = """
CREATE TABLE ledger_postings (
    account_id bigint NOT NULL,
    event_seq bigint NOT NULL,
    spendable_mk bigint NOT NULL,
    held_mk bigint NOT NULL,
    escrow_mk bigint NOT NULL,
    lifted_mk bigint NOT NULL CHECK (lifted_mk >= 0),
    spendable_after_mk bigint,
    held_after_mk bigint,
    escrow_after_mk bigint,
    PRIMARY KEY (account_id, event_seq)
)
"""

# What was moved by the rarer events, for each account: shown with every user.
TOTALS = """
CREATE TABLE ledger_totals (
    account_id bigint NOT NULL REFERENCES ledger_accounts,
    name text NOT NULL CHECK (name IN ('gifted', 'donated', 'received', 'admin', 'recurring', 'awarded', 'styled')),
    amount_mk bigint NOT NULL,
    PRIMARY KEY (account_id, name)
)
"""

# Each old transfer becomes an event with two postings, in the order of time.
OLD_TRANSFERS = (
    """
    CREATE TEMPORARY TABLE old_transfers ON COMMIT DROP AS
    SELECT row_number() OVER (ORDER BY at, id) AS place, *
    FROM ledger_transfers
    """,
    """
    INSERT INTO ledger_events (id, kind, job_id, note, at)
    SELECT id, CASE reason WHEN 'grant' THEN 'admin' WHEN 'floor' THEN 'opening' ELSE reason END,
        CASE WHEN reason <> 'grant' THEN subject END, 'before the ledger had events', at
    FROM old_transfers
    ORDER BY place
    """,
    """
    INSERT INTO ledger_postings (account_id, event_seq, spendable_mk, held_mk, escrow_mk, lifted_mk, spendable_after_mk,
        held_after_mk, escrow_after_mk)
    SELECT move.account_id, e.seq, move.amount_mk, 0, 0, move.lifted_mk,
        CASE WHEN a.user_id IS NOT NULL
            THEN sum(move.amount_mk) OVER (PARTITION BY move.account_id ORDER BY e.seq)::bigint END,
        CASE WHEN a.user_id IS NOT NULL THEN 0 END, CASE WHEN a.user_id IS NOT NULL THEN 0 END
    FROM old_transfers AS t
    JOIN ledger_events AS e ON e.id = t.id
    CROSS JOIN LATERAL (VALUES (t.source, -t.amount_mk, 0),
        (t.target, t.amount_mk, CASE WHEN t.reason = 'floor' THEN t.amount_mk ELSE 0 END)
    ) AS move (account_id, amount_mk, lifted_mk)
    JOIN ledger_accounts AS a ON a.id = move.account_id
    """,
    """
    INSERT INTO ledger_totals (account_id, name, amount_mk)
    SELECT t.target, 'admin', sum(t.amount_mk)
    FROM old_transfers AS t
    WHERE t.reason = 'grant'
    GROUP BY t.target
    """,
    "DROP TABLE ledger_transfers",
)

# An account stands at its floor or above from now on. One that was opened and never used stood at 0.
LIFTS = (
    """
    CREATE TEMPORARY TABLE lifts ON COMMIT DROP AS
    SELECT gen_random_uuid() AS event_id, id AS account_id, floor_mk - spendable_mk AS amount_mk, floor_mk
    FROM ledger_accounts
    WHERE spendable_mk < floor_mk
    """,
    "INSERT INTO ledger_events (id, kind, at) SELECT event_id, 'opening', now() FROM lifts",
    """
    INSERT INTO ledger_postings (account_id, event_seq, spendable_mk, held_mk, escrow_mk, lifted_mk, spendable_after_mk,
        held_after_mk, escrow_after_mk)
    SELECT l.account_id, e.seq, l.amount_mk, 0, 0, l.amount_mk, l.floor_mk, 0, 0
    FROM lifts AS l
    JOIN ledger_events AS e ON e.id = l.event_id
    UNION ALL
    SELECT mint.id, e.seq, -l.amount_mk, 0, 0, 0, NULL, NULL, NULL
    FROM lifts AS l
    JOIN ledger_events AS e ON e.id = l.event_id
    JOIN ledger_accounts AS mint ON mint.system_name = 'mint'
    """,
    "UPDATE ledger_accounts SET spendable_mk = floor_mk WHERE spendable_mk < floor_mk",
    """
    UPDATE ledger_accounts AS a
    SET lifted_mk = p.lifted_mk
    FROM (SELECT account_id, sum(lifted_mk) AS lifted_mk FROM ledger_postings GROUP BY account_id) AS p
    WHERE a.id = p.account_id
    """,
)

FLOORS = """
ALTER TABLE ledger_accounts
    ADD CHECK ((user_id IS NULL) = (floor_mk IS NULL)),
    ADD CHECK (spendable_mk >= floor_mk),
    ADD CHECK (user_id IS NOT NULL OR (spendable_mk = 0 AND held_mk = 0 AND escrow_mk = 0))
"""

BALANCES = """
CREATE VIEW ledger_balances AS
SELECT a.id, a.user_id, a.system_name, a.spendable_mk, a.held_mk, a.escrow_mk,
    CASE WHEN a.user_id IS NULL
        THEN coalesce((SELECT sum(p.spendable_mk)::bigint FROM ledger_postings AS p WHERE p.account_id = a.id), 0)
        ELSE a.spendable_mk + a.held_mk + a.escrow_mk
    END AS balance_mk
FROM ledger_accounts AS a
"""

# By which name an account is known to people.
NAMES = """
CREATE VIEW ledger_names AS
SELECT a.id AS account_id, a.user_id, coalesce(a.system_name, u.name || '#' || u.id) AS name
FROM ledger_accounts AS a
LEFT JOIN users AS u ON u.id = a.user_id
"""

# What an account's owner may read: each of its postings with its event. Who else had part in it is told of gifts alone;
# nobody is told who asked for a picture. `event_seq` and `seq` are equal: who bounds both spares the planner a walk
# through all newer events.
ENTRIES = """
CREATE VIEW ledger_entries AS
SELECT p.account_id, p.event_seq, e.seq, e.id, e.kind, e.at, e.request_id, e.job_id, e.worker_id, e.note,
    p.spendable_mk, p.held_mk, p.escrow_mk, p.lifted_mk, p.spendable_after_mk, p.held_after_mk, p.escrow_after_mk,
    CASE WHEN e.kind = 'gift' THEN ARRAY(
        SELECT n.name
        FROM ledger_postings AS other
        JOIN ledger_names AS n ON n.account_id = other.account_id
        WHERE other.event_seq = e.seq AND other.account_id <> p.account_id AND n.user_id IS NOT NULL
        ORDER BY n.user_id
    ) ELSE ARRAY[]::text[] END AS others
FROM ledger_postings AS p
JOIN ledger_events AS e ON e.seq = p.event_seq
"""

# All postings of an event are written by one statement, so what a statement wrote must sum to zero event by event.
EVENTS_SUM_TO_ZERO = (
    """
    CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (
            SELECT FROM written GROUP BY event_seq HAVING sum(spendable_mk + held_mk + escrow_mk) <> 0
        ) THEN
            RAISE EXCEPTION 'the postings of an event do not sum to zero' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER events_sum_to_zero AFTER INSERT ON ledger_postings REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_imbalance()
    """,
)

REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed: post a compensating event', TG_TABLE_NAME;
END
$$
"""
FOR_EVER = tuple(
    f"CREATE TRIGGER {table}_are_for_ever BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    for table in ("ledger_events", "ledger_postings")
)

# `held_mk` is what its requestor's account holds for the request: `charge_max_mk` for each job that waits or runs, or
# less where there was less.
REQUESTS = (
    """
    ALTER TABLE requests
        ADD COLUMN held_mk bigint NOT NULL DEFAULT 0 CHECK (held_mk >= 0),
        ADD COLUMN running integer NOT NULL DEFAULT 0 CHECK (running >= 0),
        ADD COLUMN charge_factor double precision NOT NULL DEFAULT 1,
        ADD COLUMN charge_extra_mk bigint NOT NULL DEFAULT 0,
        ADD COLUMN charge_max_mk bigint NOT NULL DEFAULT 0
    """,
    """
    UPDATE requests AS r
    SET running = leased.jobs
    FROM (SELECT request_id, count(*) AS jobs FROM jobs WHERE state = 'leased' GROUP BY request_id) AS leased
    WHERE r.id = leased.request_id
    """,
    # What a job is worth is agreed when it is handed out; who works for his own people is not paid.
    "ALTER TABLE jobs ADD COLUMN is_unpaid boolean NOT NULL DEFAULT false",
    "UPDATE jobs AS j SET reward_mk = r.price_mk FROM requests AS r WHERE r.id = j.request_id AND j.state = 'leased'",
)

TEAMS = """
CREATE TABLE teams (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    info text,
    user_id bigint NOT NULL REFERENCES users,
    created_at timestamptz NOT NULL,
    fulfilled bigint NOT NULL DEFAULT 0,
    things bigint NOT NULL DEFAULT 0,
    earned_mk bigint NOT NULL DEFAULT 0,
    uptime_s double precision NOT NULL DEFAULT 0
)
"""

WORKERS = (
    """
    ALTER TABLE workers
        ADD COLUMN team_id uuid REFERENCES teams ON DELETE SET NULL,
        ADD COLUMN uptime_unpaid_s double precision NOT NULL DEFAULT 0,
        ADD COLUMN uptime_mk bigint NOT NULL DEFAULT 0
    """,
    "DROP VIEW workers_with_owner",
    """
    CREATE VIEW workers_with_owner AS
    SELECT w.id, w.user_id, u.is_trusted AS owner_is_trusted, u.is_flagged AS owner_is_flagged, w.name, w.kind, w.agent,
        w.offer, w.models, w.threads, w.info, w.is_in_maintenance, w.maintenance_message, w.is_paused, w.first_seen,
        w.last_seen, w.uptime_s, w.uptime_mk, w.fulfilled, w.uncompleted, w.things, w.earned_mk, w.speeds, w.team_id,
        t.name AS team_name, w.changed_at
    FROM workers AS w
    JOIN users AS u ON u.id = w.user_id
    LEFT JOIN teams AS t ON t.id = w.team_id
    """,
)

INDEXES = (
    "CREATE INDEX ledger_postings_of_event ON ledger_postings (event_seq)",
    "CREATE INDEX ledger_events_of_request ON ledger_events (request_id) WHERE request_id IS NOT NULL",
    "CREATE INDEX ledger_gifts ON ledger_events (at) WHERE kind = 'gift'",
    "CREATE UNIQUE INDEX teams_by_name ON teams (lower(name))",
    "CREATE INDEX workers_of_team ON workers (team_id) WHERE team_id IS NOT NULL",
    "CREATE INDEX users_with_grants ON users (monthly_due_at) WHERE gets_monthly",
)


def upgrade() -> None:
    """Go forward; there is no way back."""
    ledger = (*ACCOUNTS, EVENTS, POSTINGS, TOTALS, *OLD_TRANSFERS, *LIFTS, FLOORS, BALANCES, NAMES, ENTRIES)
    kept = (*EVENTS_SUM_TO_ZERO, REFUSE_CHANGE, *FOR_EVER)
    for statement in (USERS, USERS_WITH_ROLES, USER_RECORDS, *ledger, *kept, *REQUESTS, TEAMS, *WORKERS, *INDEXES):
        op.execute(statement)
