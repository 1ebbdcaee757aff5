-- name: put!
-- Messages that are to be sent, in the transaction that makes them true. One that was put before is left as it is.
INSERT INTO webhook_deliveries (id, user_id, event, request_id, url, body, picture, due_at, created_at)
SELECT m.id, m.user_id, m.event, m.request_id, m.url, m.body, m.picture, :now, :now
FROM jsonb_to_recordset(:messages::jsonb) AS m (id uuid, user_id bigint, event text, request_id uuid, url text,
    body jsonb, picture jsonb)
ON CONFLICT (id) DO NOTHING;

-- name: claim
-- Take what is due, at most so many of each account, and none of the accounts that are busy. Walks from account to
-- account through the index, so that one with a million messages is no further than one with one. What another node is
-- taking is left to it. Until `taken_until` nobody else takes what was taken: after it, whoever took it is dead.
WITH RECURSIVE telling AS (
    (
        SELECT user_id
        FROM webhook_deliveries
        WHERE due_at IS NOT NULL
        ORDER BY user_id
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT d.user_id
        FROM webhook_deliveries AS d
        WHERE d.due_at IS NOT NULL AND d.user_id > telling.user_id
        ORDER BY d.user_id
        LIMIT 1
    )
    FROM telling
    WHERE telling.user_id IS NOT NULL
), due AS (
    SELECT head.seq
    FROM telling
    CROSS JOIN LATERAL (
        SELECT d.seq, d.due_at
        FROM webhook_deliveries AS d
        WHERE d.user_id = telling.user_id AND d.due_at <= :now
        ORDER BY d.due_at
        LIMIT :each
    ) AS head
    WHERE telling.user_id <> ALL(:busy::bigint[])
    ORDER BY head.due_at, head.seq
    LIMIT :limit
), mine AS (
    SELECT d.seq
    FROM webhook_deliveries AS d
    WHERE d.seq IN (SELECT seq FROM due) AND d.due_at <= :now
    FOR UPDATE SKIP LOCKED
)
UPDATE webhook_deliveries AS d
SET state = 'sending', attempts = d.attempts + 1, tried_at = :now, due_at = :taken_until
FROM mine
WHERE d.seq = mine.seq
RETURNING d.id, d.user_id, d.event, d.url, d.body, d.picture, d.attempts;

-- name: settle!
-- How an attempt ended. One that took so long that another was begun only counts if it was heard.
UPDATE webhook_deliveries
SET state = :state, due_at = :due_at, answer_status = :answer_status, answer_body = :answer_body, failure = :failure
WHERE id = :id AND state = 'sending' AND (attempts = :attempt OR :state = 'delivered');

-- name: deliveries
-- An account's messages and what became of them, the newest first.
SELECT seq, id, event, request_id, url, state, attempts, created_at, tried_at, due_at, answer_status, answer_body,
    failure
FROM webhook_deliveries
WHERE user_id = :user_id
    AND (:id::uuid IS NULL OR id = :id)
    AND (:before::bigint IS NULL OR seq < :before)
    AND (:state::text IS NULL OR state = :state)
    AND (:event::text IS NULL OR event = :event)
    AND (:request_id::uuid IS NULL OR request_id = :request_id)
ORDER BY seq DESC
LIMIT :limit;

-- name: try_again!
-- An account's message is due once more, however it ended; not so soon that retries would be a flood. One that is just
-- being sent is left alone.
UPDATE webhook_deliveries
SET state = 'waiting', due_at = greatest(:now, tried_at + :pause::interval)
WHERE id = :id AND user_id = :user_id AND state <> 'sending';

-- name: forget!
-- Forget messages of before then that are done with, so many at once.
DELETE FROM webhook_deliveries
WHERE seq IN (
    SELECT seq
    FROM webhook_deliveries
    WHERE due_at IS NULL AND created_at < :before
    ORDER BY created_at
    LIMIT :limit
);

-- name: add_secrets!
-- Secrets for accounts that have none.
INSERT INTO webhook_secrets (user_id, secret, made_at)
SELECT s.user_id, decode(s.secret, 'hex'), :now
FROM jsonb_to_recordset(:secrets::jsonb) AS s (user_id bigint, secret text)
ORDER BY s.user_id
ON CONFLICT (user_id) DO NOTHING;

-- name: secrets
-- What the messages of these accounts are signed with; the secret before only while it is still valid.
SELECT user_id, secret, made_at, CASE WHEN previous_until > :now THEN previous END AS previous,
    CASE WHEN previous_until > :now THEN previous_until END AS previous_until
FROM webhook_secrets
WHERE user_id = ANY(:users::bigint[]);

-- name: rotate!
-- A new secret; the one there was stays valid until then, or not at all where that is null.
UPDATE webhook_secrets
SET previous = CASE WHEN :until::timestamptz IS NOT NULL THEN secret END, previous_until = :until, secret = :secret,
    made_at = :now
WHERE user_id = :user_id;

-- name: forget_secrets!
-- Forget secrets that are not valid any more.
UPDATE webhook_secrets
SET previous = NULL, previous_until = NULL
WHERE previous_until <= :now;
