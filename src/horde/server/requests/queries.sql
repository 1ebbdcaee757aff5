-- name: waiting_of_user
-- How many jobs of a user wait; with `models`, only of requests that could go to one of the same models.
SELECT coalesce(sum(r.waiting), 0)::integer
FROM requests AS r
JOIN lanes AS l ON l.id = r.lane_id
WHERE r.user_id = :user_id AND r.kind = :kind AND r.waiting > 0
    AND (cardinality(:models::text[]) = 0 OR cardinality(l.models) = 0 OR l.models && :models::text[]);

-- name: add_request!
-- A new request; all its jobs wait.
INSERT INTO requests (id, user_id, kind, lane_id, prompt, params, n, waiting, priority, seed, seed_variation, things,
    price_mk, lease_s, is_inline, wants_censoring, disable_batching, client_agent, created_at, expires_at)
VALUES (:id, :user_id, :kind, :lane_id, :prompt, :params, :n, :n, :priority, :seed, :seed_variation, :things,
    :price_mk, :lease_s, :is_inline, :wants_censoring, :disable_batching, :client_agent, :now, :expires_at);

-- name: find_head
-- The best request among the heads of these lanes; `users` null: anybody's.
SELECT head.id
FROM unnest(:lanes::bigint[]) AS lane (id)
CROSS JOIN LATERAL (
    SELECT r.id, r.priority, r.seq
    FROM requests AS r
    WHERE r.lane_id = lane.id AND r.waiting > 0 AND r.expires_at > :now
        AND (:users::bigint[] IS NULL OR r.user_id = ANY(:users::bigint[]))
        AND NOT EXISTS (SELECT FROM unnest(:blacklist::text[]) AS b (word) WHERE position(b.word IN lower(r.prompt)) > 0)
    ORDER BY r.priority DESC, r.seq
    LIMIT 1
) AS head
ORDER BY head.priority DESC, head.seq
LIMIT 1;

-- name: lock_head
-- That request, locked, if it still waits when the lock is had.
SELECT r.id, r.user_id, r.prompt, r.params, r.waiting, r.seed, r.seed_variation, r.lease_s, r.wants_censoring,
    r.disable_batching, l.models
FROM requests AS r
JOIN lanes AS l ON l.id = r.lane_id
WHERE r.id = :id AND r.waiting > 0 AND r.expires_at > :now
FOR UPDATE OF r;

-- name: take!
-- Jobs were handed out; the request lives at least until they can be over.
UPDATE requests
SET waiting = waiting - :jobs, expires_at = greatest(expires_at, :expires_at)
WHERE id = :id;

-- name: add_jobs!
-- A batch of jobs with one seed, leased to a worker.
INSERT INTO jobs (id, batch, request_id, worker_id, model, seed, leased_at, deadline)
SELECT job.id, :batch, :request_id, :worker_id, :model, :seed, :now, :deadline
FROM unnest(:ids::uuid[]) AS job (id);

-- name: leased_jobs
-- What a worker has.
SELECT id, request_id
FROM jobs
WHERE worker_id = :worker_id AND state = 'leased'
ORDER BY id;

-- name: job_to_settle
-- A job with what of its request and worker settles it.
SELECT j.id, j.request_id, j.worker_id, w.user_id AS worker_owner_id, w.is_in_maintenance AS worker_is_in_maintenance,
    r.user_id AS requestor_id, j.state, j.leased_at, r.things, r.price_mk
FROM jobs AS j
JOIN requests AS r ON r.id = j.request_id
JOIN workers AS w ON w.id = j.worker_id
WHERE j.id = :id;

-- name: lock_jobs_worker
-- Hold a worker until the transaction ends.
SELECT id
FROM workers
WHERE id = :id
FOR UPDATE;

-- name: lock_request
-- Hold a request until the transaction ends.
SELECT id
FROM requests
WHERE id = :id
FOR UPDATE;

-- name: finish_job!
-- A leased job has its result; any other is left alone.
UPDATE jobs
SET state = 'done', ended_at = :now, result_state = :result_state, seed = :seed, gen_metadata = :gen_metadata,
    reward_mk = :reward_mk
WHERE id = :id AND state = 'leased';

-- name: charge_request!
-- What a request has cost so far; it was active, so it is kept longer.
UPDATE requests
SET charged_mk = charged_mk + :charged_mk, expires_at = greatest(expires_at, :expires_at)
WHERE id = :id;

-- name: end_jobs
-- End those of a request's jobs that are still leased; returns the worker of each.
UPDATE jobs
SET state = :state, ended_at = :now
WHERE id = ANY(:ids::uuid[]) AND request_id = :request_id AND state = 'leased'
RETURNING worker_id;

-- name: requeue!
-- So many jobs of a request wait again, unless it was cancelled or has now had too many faults. Jobs that one worker
-- took at once fail at once, so a batch is one fault however many jobs it had.
UPDATE requests AS r
SET faults = failed.batches,
    state = CASE WHEN r.state = 'live' AND failed.batches >= :faults_max THEN 'faulted' ELSE r.state END,
    waiting = CASE WHEN r.state = 'live' AND failed.batches < :faults_max THEN r.waiting + :jobs ELSE 0 END
FROM (
    SELECT count(DISTINCT j.batch) AS batches
    FROM jobs AS j
    WHERE j.request_id = :id AND j.state IN ('faulted', 'lost')
) AS failed
WHERE r.id = :id;

-- name: cancel!
-- Nothing more of a request is handed out.
UPDATE requests
SET state = 'cancelled', waiting = 0
WHERE id = :id AND state = 'live';

-- name: progress
-- How far a request is, and how much stands before it.
SELECT r.id, r.user_id, r.kind, r.state, r.n, r.waiting, r.is_inline, r.things, r.charged_mk, l.needs,
    done.finished, done.processing, done.restarted, done.last_leased_at,
    queue.ahead, queue.jobs_ahead, queue.things_ahead
FROM requests AS r
JOIN lanes AS l ON l.id = r.lane_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE j.state = 'done')::integer AS finished,
        count(*) FILTER (WHERE j.state = 'leased')::integer AS processing,
        count(*) FILTER (WHERE j.state IN ('faulted', 'lost'))::integer AS restarted,
        max(j.leased_at) FILTER (WHERE j.state = 'leased') AS last_leased_at
    FROM jobs AS j
    WHERE j.request_id = r.id
) AS done
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS ahead, coalesce(sum(q.waiting), 0)::integer AS jobs_ahead,
        coalesce(sum(q.things * q.waiting), 0)::bigint AS things_ahead
    FROM requests AS q
    WHERE r.waiting > 0 AND q.kind = r.kind AND q.waiting > 0
        AND (q.priority > r.priority OR (q.priority = r.priority AND q.seq < r.seq))
) AS queue
WHERE r.id = :id;

-- name: results
-- The finished jobs of a request, in the order in which they came.
SELECT j.id, j.worker_id, w.name AS worker_name, j.model, j.seed, j.result_state, j.gen_metadata
FROM jobs AS j
JOIN workers AS w ON w.id = j.worker_id
WHERE j.request_id = :id AND j.state = 'done'
ORDER BY j.ended_at, j.id;

-- name: late_jobs
-- Jobs past their deadline, oldest first.
SELECT id, request_id, worker_id
FROM jobs
WHERE state = 'leased' AND deadline < :now
ORDER BY deadline
LIMIT :limit;

-- name: expired_requests
-- Requests past their expiry that nobody works on, locked.
SELECT id
FROM requests AS r
WHERE expires_at < :now AND NOT EXISTS (SELECT FROM jobs AS j WHERE j.request_id = r.id AND j.state = 'leased')
ORDER BY expires_at
LIMIT :limit
FOR UPDATE SKIP LOCKED;

-- name: jobs_of_requests
-- The jobs of these requests.
SELECT id
FROM jobs
WHERE request_id = ANY(:ids::uuid[]);

-- name: delete_requests!
-- Forget these requests, and with them their jobs.
DELETE FROM requests
WHERE id = ANY(:ids::uuid[]);

-- name: readable_of_user
-- A user's requests of a kind that can still be read.
SELECT id
FROM requests
WHERE user_id = :user_id AND kind = :kind
ORDER BY seq
LIMIT :limit;

-- name: queue_length
-- How many jobs of a kind wait.
SELECT coalesce(sum(waiting), 0)::integer
FROM requests
WHERE kind = :kind AND waiting > 0;

-- name: waiting_by_model
-- What waits for each model; a request that names several counts under each.
SELECT model, sum(r.waiting)::integer AS jobs, sum(r.waiting * r.things)::bigint AS things
FROM requests AS r
JOIN lanes AS l ON l.id = r.lane_id
CROSS JOIN unnest(l.models) AS model
WHERE r.kind = :kind AND r.waiting > 0
GROUP BY model;
