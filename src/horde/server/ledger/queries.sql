-- name: open_account!
-- An account that stands at its floor; one that exists stays as it is.
WITH opened AS (
    INSERT INTO ledger_accounts (user_id, spendable_mk, lifted_mk, floor_mk)
    VALUES (:user_id, :floor_mk, :floor_mk, :floor_mk)
    ON CONFLICT (user_id) DO NOTHING
    RETURNING id, floor_mk
), event AS (
    INSERT INTO ledger_events (id, kind, at)
    SELECT :event_id, 'opening', :now
    FROM opened
    RETURNING seq
)
INSERT INTO ledger_postings (account_id, event_seq, spendable_mk, held_mk, escrow_mk, lifted_mk, spendable_after_mk,
    held_after_mk, escrow_after_mk)
SELECT opened.id, event.seq, opened.floor_mk, 0, 0, opened.floor_mk, opened.floor_mk, 0, 0
FROM opened
CROSS JOIN event
UNION ALL
SELECT a.id, event.seq, -opened.floor_mk, 0, 0, 0, NULL, NULL, NULL
FROM opened
CROSS JOIN event
JOIN ledger_accounts AS a ON a.system_name = 'mint';

-- name: lock_accounts
-- These users' accounts, locked in the order of their ids.
SELECT id, user_id, spendable_mk, held_mk, escrow_mk, floor_mk
FROM ledger_accounts
WHERE user_id = ANY(:user_ids::bigint[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: post!
-- Write events with their postings, in their order, and move the pockets of the accounts, which are locked. An account
-- of the system is named, and keeps no balance.
WITH new AS (
    SELECT *
    FROM jsonb_to_recordset(:events::jsonb) AS e (place integer, id uuid, kind text, request_id uuid, job_id uuid,
        worker_id uuid, note text)
), entered AS (
    INSERT INTO ledger_events (id, kind, request_id, job_id, worker_id, note, at)
    SELECT id, kind, request_id, job_id, worker_id, note, :now
    FROM new
    ORDER BY place
    RETURNING seq, id
), of_system AS MATERIALIZED (
    SELECT id, system_name
    FROM ledger_accounts
    WHERE system_name IS NOT NULL
), moves AS (
    SELECT p.*, coalesce(p.account_id, a.id) AS moved_id
    FROM jsonb_to_recordset(:postings::jsonb) AS p (event_id uuid, account_id bigint, system_name text,
        spendable_mk bigint, held_mk bigint, escrow_mk bigint, lifted_mk bigint, spendable_after_mk bigint,
        held_after_mk bigint, escrow_after_mk bigint)
    LEFT JOIN of_system AS a ON a.system_name = p.system_name
), posted AS (
    INSERT INTO ledger_postings (account_id, event_seq, spendable_mk, held_mk, escrow_mk, lifted_mk,
        spendable_after_mk, held_after_mk, escrow_after_mk)
    SELECT m.moved_id, e.seq, m.spendable_mk, m.held_mk, m.escrow_mk, m.lifted_mk, m.spendable_after_mk,
        m.held_after_mk, m.escrow_after_mk
    FROM moves AS m
    JOIN entered AS e ON e.id = m.event_id
), counted AS (
    INSERT INTO ledger_totals AS t (account_id, name, amount_mk)
    SELECT account_id, name, amount_mk
    FROM jsonb_to_recordset(:totals::jsonb) AS s (account_id bigint, name text, amount_mk bigint)
    ON CONFLICT (account_id, name) DO UPDATE
    SET amount_mk = t.amount_mk + excluded.amount_mk
), moved AS (
    SELECT account_id, sum(spendable_mk) AS spendable_mk, sum(held_mk) AS held_mk, sum(escrow_mk) AS escrow_mk,
        sum(lifted_mk) AS lifted_mk
    FROM moves
    WHERE account_id IS NOT NULL
    GROUP BY account_id
)
UPDATE ledger_accounts AS a
SET spendable_mk = a.spendable_mk + moved.spendable_mk, held_mk = a.held_mk + moved.held_mk,
    escrow_mk = a.escrow_mk + moved.escrow_mk, lifted_mk = a.lifted_mk + moved.lifted_mk
FROM moved
WHERE a.id = moved.account_id;

-- name: unbalanced
-- The first event whose postings do not sum to zero. As the queries below: at most one row of what does not add up, with
-- the event, the account, which of its figures, and what that should be and is.
SELECT event_seq AS seq, NULL AS account, NULL AS figure, 0::bigint AS expected_mk,
    sum(spendable_mk + held_mk + escrow_mk)::bigint AS found_mk
FROM ledger_postings
GROUP BY event_seq
HAVING sum(spendable_mk + held_mk + escrow_mk) <> 0
ORDER BY event_seq
LIMIT 1;

-- name: without_postings
-- The first event that moved nothing: such events are never entered.
SELECT e.seq, NULL AS account, NULL AS figure, 0::bigint AS expected_mk, 0::bigint AS found_mk
FROM ledger_events AS e
WHERE NOT EXISTS (SELECT FROM ledger_postings AS p WHERE p.event_seq = e.seq)
ORDER BY e.seq
LIMIT 1;

-- name: without_event
-- The first posting whose event is missing.
SELECT p.event_seq AS seq, coalesce(n.name, 'account ' || p.account_id) AS account, NULL AS figure,
    0::bigint AS expected_mk, (p.spendable_mk + p.held_mk + p.escrow_mk) AS found_mk
FROM ledger_postings AS p
LEFT JOIN ledger_names AS n ON n.account_id = p.account_id
WHERE NOT EXISTS (SELECT FROM ledger_events AS e WHERE e.seq = p.event_seq)
ORDER BY p.event_seq, p.account_id
LIMIT 1;

-- name: without_account
-- The first posting whose account is missing.
SELECT p.event_seq AS seq, 'account ' || p.account_id AS account, NULL AS figure, 0::bigint AS expected_mk,
    (p.spendable_mk + p.held_mk + p.escrow_mk) AS found_mk
FROM ledger_postings AS p
WHERE NOT EXISTS (SELECT FROM ledger_accounts AS a WHERE a.id = p.account_id)
ORDER BY p.event_seq, p.account_id
LIMIT 1;

-- name: broken_chain
-- The first posting after which a pocket does not hold what it held after the one before it, and what was moved.
SELECT broken.event_seq AS seq, n.name AS account, broken.figure, broken.expected_mk,
    coalesce(broken.found_mk, 0) AS found_mk
FROM (
    SELECT link.account_id, link.event_seq, pocket.*
    FROM (
        SELECT p.*, lag(p.spendable_after_mk, 1, 0::bigint) OVER account AS spendable_before_mk,
            lag(p.held_after_mk, 1, 0::bigint) OVER account AS held_before_mk,
            lag(p.escrow_after_mk, 1, 0::bigint) OVER account AS escrow_before_mk
        FROM ledger_postings AS p
        JOIN ledger_accounts AS a ON a.id = p.account_id
        WHERE a.user_id IS NOT NULL
        WINDOW account AS (PARTITION BY p.account_id ORDER BY p.event_seq)
    ) AS link
    CROSS JOIN LATERAL (VALUES
        ('spendable', link.spendable_before_mk + link.spendable_mk, link.spendable_after_mk),
        ('held', link.held_before_mk + link.held_mk, link.held_after_mk),
        ('in escrow', link.escrow_before_mk + link.escrow_mk, link.escrow_after_mk)
    ) AS pocket (figure, expected_mk, found_mk)
    WHERE pocket.expected_mk IS DISTINCT FROM pocket.found_mk
    ORDER BY link.event_seq, link.account_id
    LIMIT 1
) AS broken
JOIN ledger_names AS n ON n.account_id = broken.account_id;

-- name: overdrawn
-- The first posting that left less in a pocket than there may be. What is older than the floors need not keep to them.
SELECT p.event_seq AS seq, n.name AS account, pocket.figure, pocket.expected_mk, pocket.found_mk
FROM ledger_postings AS p
JOIN ledger_accounts AS a ON a.id = p.account_id
JOIN ledger_names AS n ON n.account_id = p.account_id
LEFT JOIN ledger_events AS e ON e.seq = p.event_seq
CROSS JOIN LATERAL (VALUES
    ('spendable', CASE WHEN e.note IS DISTINCT FROM :before_floors THEN a.floor_mk END, p.spendable_after_mk),
    ('held', 0, p.held_after_mk),
    ('in escrow', 0, p.escrow_after_mk)
) AS pocket (figure, expected_mk, found_mk)
WHERE pocket.found_mk < pocket.expected_mk
ORDER BY p.event_seq, p.account_id
LIMIT 1;

-- name: stray_balance
-- An account that holds something else than its postings sum to, by its last event.
SELECT posted.seq, n.name AS account, pocket.figure, pocket.expected_mk, pocket.found_mk
FROM ledger_accounts AS a
JOIN ledger_names AS n ON n.account_id = a.id
LEFT JOIN (
    SELECT account_id, max(event_seq) AS seq, sum(spendable_mk)::bigint AS spendable_mk, sum(held_mk)::bigint AS held_mk,
        sum(escrow_mk)::bigint AS escrow_mk, sum(lifted_mk)::bigint AS lifted_mk
    FROM ledger_postings
    GROUP BY account_id
) AS posted ON posted.account_id = a.id
CROSS JOIN LATERAL (VALUES
    ('spendable', coalesce(posted.spendable_mk, 0), a.spendable_mk),
    ('held', coalesce(posted.held_mk, 0), a.held_mk),
    ('in escrow', coalesce(posted.escrow_mk, 0), a.escrow_mk),
    ('lifted', coalesce(posted.lifted_mk, 0), a.lifted_mk)
) AS pocket (figure, expected_mk, found_mk)
WHERE a.user_id IS NOT NULL AND pocket.expected_mk <> pocket.found_mk
ORDER BY posted.seq
LIMIT 1;

-- name: stray_total
-- An account whose totals are not the sums of its events of those kinds, by the last of them. What lifts it counts in
-- none; whether a gift counts as given or as donated is not known from the postings, so these two are taken together.
SELECT moved.seq, n.name AS account, figure, coalesce(moved.amount_mk, 0) AS expected_mk,
    coalesce(total.amount_mk, 0) AS found_mk
FROM (
    SELECT sums.account_id, named.figure, max(sums.seq) AS seq, sum(named.amount_mk)::bigint AS amount_mk
    FROM (
        SELECT p.account_id, e.kind, e.seq, p.spendable_mk + p.escrow_mk - p.lifted_mk AS amount_mk
        FROM ledger_events AS e
        JOIN ledger_postings AS p ON p.event_seq = e.seq
        JOIN ledger_accounts AS a ON a.id = p.account_id
        WHERE e.kind IN ('gift', 'admin', 'monthly', 'award', 'style') AND a.user_id IS NOT NULL
    ) AS sums
    CROSS JOIN LATERAL (
        SELECT CASE sums.kind
            WHEN 'gift' THEN CASE WHEN sums.amount_mk < 0 THEN 'given' ELSE 'received' END
            WHEN 'admin' THEN 'admin'
            WHEN 'monthly' THEN 'recurring'
            WHEN 'award' THEN 'awarded'
            WHEN 'style' THEN 'styled'
        END AS figure, sums.amount_mk
    ) AS named
    GROUP BY sums.account_id, named.figure
) AS moved
FULL JOIN (
    SELECT account_id, CASE WHEN name IN ('gifted', 'donated') THEN 'given' ELSE name END AS figure,
        sum(amount_mk)::bigint AS amount_mk
    FROM ledger_totals
    GROUP BY 1, 2
) AS total USING (account_id, figure)
JOIN ledger_names AS n ON n.account_id = coalesce(moved.account_id, total.account_id)
WHERE coalesce(moved.amount_mk, 0) <> coalesce(total.amount_mk, 0)
ORDER BY moved.seq
LIMIT 1;

-- name: event_at
-- An event by its place in the order of events.
SELECT id, kind, at
FROM ledger_events
WHERE seq = :seq;

-- name: sums
-- How much there is in the ledger, and how much of what came and went.
SELECT (SELECT count(*) FROM ledger_events) AS events, posted.postings,
    (SELECT count(*) FROM ledger_accounts WHERE user_id IS NOT NULL) AS accounts, posted.minted_mk, posted.burnt_mk,
    posted.spendable_mk, posted.held_mk, posted.escrow_mk
FROM (
    SELECT count(*) AS postings,
        coalesce(-sum(p.spendable_mk) FILTER (WHERE a.system_name = 'mint'), 0)::bigint AS minted_mk,
        coalesce(sum(p.spendable_mk) FILTER (WHERE a.system_name = 'burn'), 0)::bigint AS burnt_mk,
        coalesce(sum(p.spendable_mk) FILTER (WHERE a.user_id IS NOT NULL), 0)::bigint AS spendable_mk,
        coalesce(sum(p.held_mk), 0)::bigint AS held_mk, coalesce(sum(p.escrow_mk), 0)::bigint AS escrow_mk
    FROM ledger_postings AS p
    JOIN ledger_accounts AS a ON a.id = p.account_id
) AS posted;

-- name: everything
-- All events with their postings, in their order; accounts by name.
SELECT e.seq, e.id, e.kind, e.at, e.request_id, e.job_id, e.worker_id, e.note, n.name AS account, p.spendable_mk,
    p.held_mk, p.escrow_mk, p.lifted_mk, p.spendable_after_mk, p.held_after_mk, p.escrow_after_mk
FROM ledger_events AS e
JOIN ledger_postings AS p ON p.event_seq = e.seq
JOIN ledger_names AS n ON n.account_id = p.account_id
ORDER BY e.seq, p.account_id;

-- name: statement
-- What moved in a user's account, the newest first: a page of what is older than `before`.
SELECT seq, id, kind, at, request_id, job_id, worker_id, note, spendable_mk, held_mk, escrow_mk, lifted_mk,
    spendable_after_mk, held_after_mk, escrow_after_mk, others
FROM ledger_entries
WHERE account_id = (SELECT id FROM ledger_accounts WHERE user_id = :user_id) AND event_seq < :before AND seq < :before
    AND (:kind::text IS NULL OR kind = :kind) AND (:since::timestamptz IS NULL OR at >= :since)
    AND (:until::timestamptz IS NULL OR at < :until)
ORDER BY seq DESC
LIMIT :limit;

-- name: statement_of_request
-- The same of one request. Its few events are found first: else all that the account ever had would be looked through.
WITH events AS MATERIALIZED (
    SELECT seq
    FROM ledger_events
    WHERE request_id = :request_id AND seq < :before
)
SELECT seq, id, kind, at, request_id, job_id, worker_id, note, spendable_mk, held_mk, escrow_mk, lifted_mk,
    spendable_after_mk, held_after_mk, escrow_after_mk, others
FROM events
JOIN ledger_entries USING (seq)
WHERE account_id = (SELECT id FROM ledger_accounts WHERE user_id = :user_id)
    AND (:kind::text IS NULL OR kind = :kind) AND (:since::timestamptz IS NULL OR at >= :since)
    AND (:until::timestamptz IS NULL OR at < :until)
ORDER BY seq DESC
LIMIT :limit;

-- name: escrow_to_free
-- Whose escrow can be spent from now on: all that trusted accounts have, and that of accounts which earned trust; the
-- latter are none where `threshold_mk` is null. With `only`, whether this account is among them.
SELECT a.user_id
FROM ledger_accounts AS a
JOIN users AS u ON u.id = a.user_id
WHERE a.escrow_mk > 0 AND (:only::bigint IS NULL OR a.user_id = :only) AND (u.is_trusted OR (
    a.escrow_mk > :threshold_mk::bigint AND u.created_at <= :born_before AND u.suspicion < :suspicion_max
    AND NOT u.is_flagged AND u.deleted_at IS NULL AND u.id <> :anonymous
))
ORDER BY a.user_id
LIMIT :limit;

-- name: balances
-- What the accounts of these users hold.
SELECT a.user_id, a.spendable_mk, a.held_mk, a.escrow_mk, a.floor_mk, coalesce(t.totals, '{}') AS totals
FROM ledger_accounts AS a
CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(name, amount_mk) AS totals
    FROM ledger_totals
    WHERE account_id = a.id
) AS t
WHERE a.user_id = ANY(:users::bigint[]);

-- name: gifts_between
-- Those of these pairs of whom the one sent the other kudos since then.
SELECT pair.source_id, pair.target_id
FROM jsonb_to_recordset(:pairs::jsonb) AS pair (source_id bigint, target_id bigint)
JOIN ledger_accounts AS source ON source.user_id = pair.source_id
JOIN ledger_accounts AS target ON target.user_id = pair.target_id
WHERE EXISTS (
    SELECT
    FROM ledger_events AS e
    JOIN ledger_postings AS given ON given.event_seq = e.seq AND given.account_id = source.id
    JOIN ledger_postings AS got ON got.event_seq = e.seq AND got.account_id = target.id
    WHERE e.kind = 'gift' AND e.at > :since AND given.spendable_mk < 0 AND got.spendable_mk > 0
);
