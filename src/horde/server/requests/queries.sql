-- name: standing
-- How requestors stand: what each has, and how much of theirs waits; with `lanes`, which is for the anonymous account,
-- in these alone. Counts no further than `at_most` requests, so that it costs the same however long the queue is. The
-- order, and BETWEEN, leave the planner only the index that holds just these: where most of the queue is one account's,
-- it hopes to find them soon in the whole table, and whoever has nothing waiting pays for all of it.
SELECT g.place, coalesce(a.spendable_mk + a.held_mk, 0) AS balance_mk,
    coalesce(a.spendable_mk - a.floor_mk, 0) AS available_mk, waiting.jobs, waiting.requests
FROM jsonb_to_recordset(:groups::jsonb) AS g (place integer, user_id bigint, kind text, lanes bigint[],
    at_most integer)
LEFT JOIN ledger_accounts AS a ON a.user_id = g.user_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(q.waiting), 0)::integer AS jobs, count(*)::integer AS requests
    FROM (
        (
            SELECT r.waiting
            FROM requests AS r
            WHERE g.lanes IS NULL AND r.user_id BETWEEN g.user_id AND g.user_id AND r.kind = g.kind AND r.waiting > 0
            ORDER BY r.user_id, r.rank DESC, r.seq
            LIMIT g.at_most + 1
        )
        UNION ALL
        (
            SELECT found.waiting
            FROM unnest(g.lanes) AS lane (id)
            CROSS JOIN LATERAL (
                SELECT r.waiting
                FROM requests AS r
                WHERE r.lane_id = lane.id AND r.user_id = 0 AND r.waiting > 0
                ORDER BY r.seq
                LIMIT g.at_most + 1
            ) AS found
            LIMIT g.at_most + 1
        )
    ) AS q
) AS waiting;

-- name: add_requests
-- New requests; all their jobs wait. None is added when a lane of theirs is gone.
WITH new AS (
    SELECT *
    FROM jsonb_to_recordset(:requests::jsonb) AS r (place integer, id uuid, user_id bigint, kind text, lane_id bigint,
        prompt text, params jsonb, n integer, rank bigint, seed bigint, seed_variation integer, things bigint,
        price_mk bigint, charge_factor double precision, charge_extra_mk bigint, charge_max_mk bigint, held_mk bigint,
        charged_mk bigint, shared_key_id uuid, proxied_account text, lease_s integer, is_inline boolean, wants_censoring boolean, disable_batching boolean,
        client_agent text, webhook jsonb, sources jsonb, group_id uuid, created_at timestamptz, expires_at timestamptz)
)
INSERT INTO requests (id, user_id, kind, lane_id, prompt, params, n, waiting, rank, seed, seed_variation, things, price_mk,
    charge_factor, charge_extra_mk, charge_max_mk, held_mk, charged_mk, shared_key_id, proxied_account, lease_s, is_inline, wants_censoring, disable_batching, client_agent, webhook, sources,
    group_id, created_at, expires_at)
SELECT new.id, new.user_id, new.kind, new.lane_id, new.prompt, new.params, new.n, new.n, new.rank, new.seed,
    new.seed_variation, new.things, new.price_mk, new.charge_factor, new.charge_extra_mk, new.charge_max_mk, new.held_mk,
    new.charged_mk, new.shared_key_id, new.proxied_account, new.lease_s, new.is_inline, new.wants_censoring,
    new.disable_batching, new.client_agent, new.webhook, new.sources, new.group_id, new.created_at, new.expires_at
FROM new
WHERE NOT EXISTS (SELECT lane_id FROM new EXCEPT SELECT id FROM lanes WHERE id IN (SELECT lane_id FROM new))
ORDER BY new.place
RETURNING id;

-- name: heads
-- The best requests of each of these lanes, as many as its depth says; and of each of these users, where they name lanes in these
-- alone, with the kind. Prompts only where somebody refuses words, parameters where somebody takes several jobs at once.
WITH heads AS (
    SELECT head.*, NULL AS kind_of_first
    FROM unnest(:lanes::bigint[], :depths::integer[]) AS lane (id, depth)
    CROSS JOIN LATERAL (
        SELECT *
        FROM requests AS r
        WHERE r.lane_id = lane.id AND r.waiting > 0 AND r.expires_at > :now
        ORDER BY r.rank DESC, r.seq
        LIMIT lane.depth
    ) AS head
    UNION ALL
    SELECT head.*, asking.kind
    FROM jsonb_to_recordset(:of_first::jsonb) AS asking (kind text, users bigint[], lanes bigint[])
    CROSS JOIN LATERAL unnest(asking.users) AS first (user_id)
    CROSS JOIN LATERAL (
        SELECT *
        FROM requests AS r
        WHERE r.user_id BETWEEN first.user_id AND first.user_id AND r.kind = asking.kind AND r.waiting > 0
            AND r.expires_at > :now AND (asking.lanes IS NULL OR r.lane_id = ANY(asking.lanes))
        ORDER BY r.user_id, r.rank DESC, r.seq
        LIMIT :depth_of_first
    ) AS head
)
SELECT id, kind_of_first, lane_id, user_id, rank, seq, waiting, seed, seed_variation, price_mk, lease_s, disable_batching,
    CASE WHEN :with_params THEN params END AS params, CASE WHEN :with_prompts THEN lower(prompt) END AS prompt
FROM heads;

-- name: claim
-- Lease jobs of these requests, as long as each still has waiting what was `seen`; returns the requests that were had.
-- What another process holds at the moment is left to it.
WITH wanted AS (
    SELECT *
    FROM jsonb_to_recordset(:requests::jsonb) AS w (id uuid, seen integer, jobs integer, expires_at timestamptz)
), mine AS (
    SELECT r.id
    FROM requests AS r
    JOIN wanted AS w ON w.id = r.id
    WHERE r.waiting = w.seen
    ORDER BY r.id
    FOR NO KEY UPDATE OF r SKIP LOCKED
), taken AS (
    UPDATE requests AS r
    SET waiting = r.waiting - w.jobs, running = r.running + w.jobs,
        expires_at = greatest(r.expires_at, w.expires_at)
    FROM mine
    JOIN wanted AS w ON w.id = mine.id
    WHERE r.id = mine.id
    RETURNING r.id, r.prompt, r.params, r.wants_censoring, r.sources
), leased AS (
    INSERT INTO jobs (id, batch, request_id, worker_id, model, reward_mk, is_unpaid, seed, leased_at, deadline)
    SELECT j.id, j.batch, j.request_id, j.worker_id, j.model, j.reward_mk, j.is_unpaid, j.seed, j.leased_at, j.deadline
    FROM jsonb_to_recordset(:jobs::jsonb) AS j (id uuid, batch uuid, request_id uuid, worker_id uuid, model text,
        reward_mk bigint, is_unpaid boolean, seed bigint, leased_at timestamptz, deadline timestamptz)
    JOIN taken ON taken.id = j.request_id
)
SELECT id, prompt, params, wants_censoring, sources
FROM taken;

-- name: leased_jobs
-- What these workers have.
SELECT worker_id, id, request_id
FROM jobs
WHERE worker_id = ANY(:workers::uuid[]) AND state = 'leased'
ORDER BY id;

-- name: jobs_to_settle
-- Jobs with what of their requests and workers settles them; of some kinds what was asked for belongs to it.
SELECT j.id, j.request_id, j.worker_id, w.user_id AS worker_owner_id, w.agent AS worker_agent,
    w.is_in_maintenance AS worker_is_in_maintenance, w.team_id AS worker_team_id, w.address <> '' AS worker_is_from_outside,
    w.name AS worker_name, r.user_id AS requestor_id, r.kind, j.state, j.model, j.leased_at, j.reward_mk, j.is_unpaid,
    r.things, r.charge_factor, r.charge_extra_mk, r.is_inline, r.webhook, r.group_id, r.shared_key_id,
    CASE WHEN r.kind = ANY(:by_result::text[]) THEN r.params END AS params,
    CASE WHEN r.kind = ANY(:by_result) THEN char_length(r.prompt) END AS prompt_characters
FROM jobs AS j
JOIN requests AS r ON r.id = j.request_id
JOIN workers AS w ON w.id = j.worker_id
WHERE j.id = ANY(:ids::uuid[]);

-- name: lock_requests
-- Hold these requests until the transaction ends, in the order of their ids.
SELECT id
FROM requests
WHERE id = ANY(:ids::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: finish_jobs
-- Leased jobs have their results, and are charged; their requests are held until the transaction ends, and kept longer
-- because they were active. Any other job is left alone. Returns those finished now, with what is held for their requests,
-- before and after: less what was charged, and what no job needs any more. The ids, and the end in place of the state,
-- leave the planner no other way: it hopes that few at all are leased.
WITH finished AS (
    SELECT *
    FROM jsonb_to_recordset(:jobs::jsonb) AS f (id uuid, request_id uuid, result_state text, result_text text,
        seed bigint, gen_metadata jsonb, reward_mk bigint, charged_mk bigint)
), held AS (
    SELECT r.id, r.held_mk
    FROM requests AS r
    WHERE r.id IN (SELECT request_id FROM finished)
    ORDER BY r.id
    FOR NO KEY UPDATE
), ended AS (
    UPDATE jobs AS j
    SET state = 'done', ended_at = :now, result_state = f.result_state, result_text = f.result_text, seed = f.seed,
        gen_metadata = f.gen_metadata, reward_mk = f.reward_mk
    FROM finished AS f
    JOIN held ON held.id = f.request_id
    WHERE j.id = ANY(:ids::uuid[]) AND j.id = f.id AND j.ended_at IS NULL
    RETURNING j.id, j.request_id, f.charged_mk
), charged AS (
    UPDATE requests AS r
    SET charged_mk = r.charged_mk + total.charged_mk, running = r.running - total.jobs,
        held_mk = least(greatest(r.held_mk - total.charged_mk, 0),
            (r.waiting + r.running - total.jobs) * r.charge_max_mk),
        expires_at = greatest(r.expires_at, :expires_at)
    FROM (
        SELECT request_id, sum(ended.charged_mk) AS charged_mk, count(*) AS jobs FROM ended GROUP BY request_id
    ) AS total
    WHERE r.id = total.request_id
    RETURNING r.id, r.held_mk, r.state = 'live' AND r.waiting = 0 AND r.running = 0 AS is_over
)
SELECT ended.id, ended.request_id, held.held_mk AS held_before_mk, charged.held_mk AS held_after_mk, charged.is_over
FROM ended
JOIN held ON held.id = ended.request_id
JOIN charged ON charged.id = ended.request_id;

-- name: end_jobs
-- End those of a locked request's jobs that are still leased; returns the worker and the batch of each, and whether
-- nothing of that batch had failed before.
WITH ended AS (
    UPDATE jobs
    SET state = :state, ended_at = :now, fault_reason = :reason
    WHERE id = ANY(:ids::uuid[]) AND request_id = :request_id AND state = 'leased'
    RETURNING worker_id, batch
)
SELECT ended.worker_id, ended.batch,
    -- As it was before this statement: what ends in it is not seen here.
    NOT EXISTS (
        SELECT
        FROM jobs AS j
        WHERE j.request_id = :request_id AND j.batch = ended.batch AND j.state IN ('faulted', 'lost')
    ) AS is_first_failure
FROM ended;

-- name: requeue
-- So many jobs of a locked request wait again, unless it was cancelled or has now had too many faults. Jobs that one
-- worker took at once fail at once, so a batch is one fault however many jobs it had. Returns what waits again, and what
-- was held for it and is not needed any more.
WITH seen AS (
    SELECT r.id, r.held_mk, count(DISTINCT j.batch) AS batches
    FROM requests AS r
    JOIN jobs AS j ON j.request_id = r.id AND j.state IN ('faulted', 'lost')
    WHERE r.id = :id
    GROUP BY r.id
), back AS (
    SELECT r.id, seen.held_mk AS held_before_mk, seen.batches, r.running - :jobs AS running,
        CASE WHEN r.state = 'live' AND seen.batches >= (:faults_max::jsonb ->> r.kind)::integer THEN 'faulted' ELSE r.state END AS state,
        CASE WHEN r.state = 'live' AND seen.batches < (:faults_max::jsonb ->> r.kind)::integer THEN r.waiting + :jobs ELSE 0 END AS waiting
    FROM requests AS r
    JOIN seen ON seen.id = r.id
)
UPDATE requests AS r
SET faults = back.batches, state = back.state, waiting = back.waiting, running = back.running,
    held_mk = least(r.held_mk, (back.waiting + back.running) * r.charge_max_mk)
FROM back
WHERE r.id = back.id
RETURNING coalesce(r.group_id, r.id) AS asked_id, r.user_id, r.lane_id, r.rank, r.waiting, back.held_before_mk - r.held_mk AS returned_mk,
    CASE WHEN r.state = 'faulted' THEN r.webhook END AS webhook_of_faulted;

-- name: cancel
-- Nothing more of a locked request is handed out; what was held for what waited is held no longer, and returned.
UPDATE requests AS r
SET state = 'cancelled', waiting = 0, held_mk = least(r.held_mk, r.running * r.charge_max_mk)
FROM requests AS before
WHERE r.id = :id AND before.id = r.id AND r.state = 'live'
RETURNING r.user_id, before.held_mk - r.held_mk AS returned_mk;

-- name: progress
-- How far these requests are; of those named as `with_results` also the finished jobs in the order in which they came.
SELECT r.id, r.user_id, r.kind, r.lane_id, r.rank, r.seq, r.state, r.n, r.waiting, r.is_inline, r.things, r.charged_mk,
    done.finished, done.processing, done.restarted, done.last_leased_at, done.results
FROM requests AS r
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE j.state = 'done')::integer AS finished,
        count(*) FILTER (WHERE j.state = 'leased')::integer AS processing,
        count(*) FILTER (WHERE j.state IN ('faulted', 'lost'))::integer AS restarted,
        max(j.leased_at) FILTER (WHERE j.state = 'leased') AS last_leased_at,
        jsonb_agg(
            jsonb_build_object('id', j.id, 'worker_id', j.worker_id, 'worker_name', w.name, 'model', j.model,
                'seed', j.seed, 'result_state', j.result_state, 'result_text', j.result_text,
                'gen_metadata', j.gen_metadata)
            ORDER BY j.ended_at, j.id
        ) FILTER (WHERE r.id = ANY(:with_results::uuid[]) AND j.state = 'done') AS results
    FROM jobs AS j
    JOIN workers AS w ON w.id = j.worker_id
    WHERE j.request_id = r.id
) AS done
WHERE r.id = ANY(:ids::uuid[]);

-- name: last_fault
-- Who of those that gave a request back and said why was the last, and what it said.
SELECT w.name AS worker_name, j.fault_reason AS reason
FROM jobs AS j
JOIN workers AS w ON w.id = j.worker_id
WHERE j.request_id = :id AND j.fault_reason IS NOT NULL
ORDER BY j.ended_at DESC, j.id
LIMIT 1;

-- name: late_jobs
-- Jobs past their deadline, oldest first.
SELECT id, request_id
FROM jobs
WHERE state = 'leased' AND deadline < :now
ORDER BY deadline
LIMIT :limit;

-- name: expired_requests
-- Requests past their expiry that nobody works on, locked, with what is still held for them.
SELECT id, coalesce(group_id, id) AS asked_id, user_id, kind, held_mk, sources, CASE WHEN state = 'live' AND waiting > 0 THEN webhook END AS webhook_of_unmade
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

-- name: known_owners
-- Those of the ids that a job, a request or a group of them has.
SELECT id FROM jobs WHERE id = ANY(:ids::uuid[])
UNION ALL
SELECT id FROM requests WHERE id = ANY(:ids::uuid[])
UNION ALL
SELECT id FROM request_groups WHERE id = ANY(:ids::uuid[]);

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

-- name: waiting_by_lane
-- What waits in each lane.
SELECT kind, lane_id, count(*)::integer AS requests, sum(waiting)::integer AS jobs,
    sum(things * waiting)::bigint AS things, max(rank) AS best
FROM requests
WHERE waiting > 0 AND expires_at > :now
GROUP BY kind, lane_id;

-- name: milestones
-- Every so many places of the queue of a kind: who stands there, and how much up to and with it. What nobody can serve
-- is left out.
SELECT rank, seq, place, jobs, things
FROM (
    SELECT rank, seq, row_number() OVER queue AS place, sum(waiting) OVER queue AS jobs,
        (sum(things * waiting) OVER queue)::bigint AS things
    FROM requests
    WHERE kind = :kind AND waiting > 0 AND expires_at > :now AND lane_id <> ALL(:without::bigint[])
    WINDOW queue AS (ORDER BY rank DESC, seq ROWS UNBOUNDED PRECEDING)
) AS standing
WHERE place % :step = 0
ORDER BY place;

-- name: stray_hold
-- An account that holds something else than is held for its requests, by its last event.
SELECT (SELECT max(p.event_seq) FROM ledger_postings AS p WHERE p.account_id = a.id) AS seq, n.name AS account,
    'held' AS figure, coalesce(r.held_mk, 0) AS expected_mk, a.held_mk AS found_mk
FROM ledger_accounts AS a
JOIN ledger_names AS n ON n.account_id = a.id
LEFT JOIN (
    SELECT user_id, sum(held_mk)::bigint AS held_mk
    FROM requests
    GROUP BY user_id
) AS r ON r.user_id = a.user_id
WHERE a.user_id IS NOT NULL AND a.held_mk <> coalesce(r.held_mk, 0)
ORDER BY seq
LIMIT 1;

-- ---------------------------------------------------------------------- requests that were asked for as one: groups

-- name: running_parts_of
-- How many jobs of the parts of groups are being done for each of these users, of one kind.
SELECT user_id, sum(running)::integer AS jobs
FROM requests
WHERE user_id = ANY(:users::bigint[]) AND kind = :kind AND group_id IS NOT NULL AND running > 0
GROUP BY user_id;

-- name: add_groups!
-- New groups; their requests follow.
INSERT INTO request_groups (id, user_id, kind, has_picture, expires_at)
SELECT g.id, g.user_id, g.kind, g.has_picture, g.expires_at
FROM jsonb_to_recordset(:groups::jsonb) AS g (id uuid, user_id bigint, kind text, has_picture boolean,
    expires_at timestamptz);

-- name: is_group
-- Whether there is such a group of this kind.
SELECT EXISTS (SELECT FROM request_groups WHERE id = :id AND kind = :kind);

-- name: parts
-- The requests of a group in the order in which they were asked for, with the result of each that has one.
SELECT r.id, r.params, r.state, r.waiting, r.running, r.charged_mk, done.job_id, done.model, done.result_state,
    done.result_text, done.worker_id, done.worker_name
FROM requests AS r
LEFT JOIN LATERAL (
    SELECT j.id AS job_id, j.model, j.result_state, j.result_text, j.worker_id, w.name AS worker_name
    FROM jobs AS j
    JOIN workers AS w ON w.id = j.worker_id
    WHERE j.request_id = r.id AND j.state = 'done'
    LIMIT 1
) AS done ON true
WHERE r.group_id = :id AND r.kind = :kind
ORDER BY r.seq;

-- name: lock_parts
-- Hold the requests of a group until the transaction ends, in the order of their ids.
SELECT id
FROM requests
WHERE group_id = :id
ORDER BY id
FOR NO KEY UPDATE;

-- name: cancel_parts
-- Nothing more of a group's locked requests is handed out; what was held for what waited is held no longer. Returns
-- those of them that were not over yet.
UPDATE requests AS r
SET state = 'cancelled', waiting = 0, held_mk = least(r.held_mk, r.running * r.charge_max_mk)
FROM requests AS before
WHERE r.group_id = :id AND before.id = r.id AND r.state = 'live' AND (r.waiting > 0 OR r.running > 0)
RETURNING r.id, r.user_id, before.held_mk - r.held_mk AS returned_mk;

-- name: running_jobs_of_group
-- The jobs of a group that somebody works on.
SELECT j.id
FROM requests AS r
JOIN jobs AS j ON j.request_id = r.id
WHERE r.group_id = :id AND j.state = 'leased'
ORDER BY j.id;

-- name: lock_groups
-- Hold these groups until the transaction ends: who ends the last part of one then sees that it is the last.
SELECT id
FROM request_groups
WHERE id = ANY(:ids::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: groups_over
-- Those of these groups of which all was done: nothing waits or runs, or was given up.
SELECT g.id
FROM request_groups AS g
WHERE g.id = ANY(:ids::uuid[])
    AND NOT EXISTS (SELECT FROM requests AS r WHERE r.group_id = g.id AND (r.waiting > 0 OR r.running > 0 OR r.state <> 'live'));

-- name: keep_parts
-- Requests that expire before another of their group are kept as long as that one: a group is read as one. Those that
-- somebody holds wait for the next time. Returns which were.
WITH soon AS (
    SELECT DISTINCT group_id
    FROM requests
    WHERE group_id IS NOT NULL AND expires_at < :before
), latest AS (
    SELECT r.group_id, max(r.expires_at) AS expires_at
    FROM soon
    JOIN requests AS r ON r.group_id = soon.group_id
    GROUP BY r.group_id
    HAVING min(r.expires_at) < max(r.expires_at)
), early AS (
    SELECT r.id, latest.expires_at
    FROM latest
    JOIN requests AS r ON r.group_id = latest.group_id AND r.expires_at < latest.expires_at
    ORDER BY r.id
    LIMIT :limit
    FOR NO KEY UPDATE OF r SKIP LOCKED
)
UPDATE requests AS r
SET expires_at = early.expires_at
FROM early
WHERE r.id = early.id
RETURNING r.id;

-- name: over_groups
-- Groups past their expiry without any requests, locked: those of which all were forgotten, or that never had one.
SELECT id, has_picture
FROM request_groups AS g
WHERE expires_at < :now AND NOT EXISTS (SELECT FROM requests AS r WHERE r.group_id = g.id)
ORDER BY expires_at
LIMIT :limit
FOR UPDATE SKIP LOCKED;

-- name: delete_groups!
-- Forget these groups.
DELETE FROM request_groups
WHERE id = ANY(:ids::uuid[]);

-- name: promised_of_shared
-- What may still be paid with these shared keys, for jobs that wait or run. Asked for once the keys are locked: nobody
-- else adds to it then.
SELECT shared_key_id, sum((waiting + running) * charge_max_mk)::bigint AS promised_mk
FROM requests
WHERE shared_key_id = ANY(:ids::uuid[])
GROUP BY shared_key_id;

-- name: tell_progress
-- How far a job of an owner's worker is; nothing is written, and no row comes, for a job that is not worked on. What is
-- told late does not undo what was told since. Text and preview stay when nothing newer is told of them.
INSERT INTO job_progress AS p (job_id, share, text, preview, told_at)
SELECT j.id, :share, :text, :preview, :now
FROM jobs AS j
JOIN workers AS w ON w.id = j.worker_id
WHERE j.id = :job_id AND j.state = 'leased' AND w.user_id = :owner_id
ON CONFLICT (job_id) DO UPDATE
SET share = greatest(p.share, excluded.share), text = coalesce(excluded.text, p.text),
    preview = coalesce(excluded.preview, p.preview), told_at = excluded.told_at
RETURNING job_id;

-- name: progress_of_jobs
-- The jobs of a request, or of a group, that are worked on, in the order in which they were taken.
SELECT j.id, w.name AS worker_name, j.leased_at, coalesce(p.share, 0)::float8 AS share, p.text, p.preview
FROM jobs AS j
JOIN workers AS w ON w.id = j.worker_id
LEFT JOIN job_progress AS p ON p.job_id = j.id
WHERE j.state = 'leased'
    AND j.request_id IN (SELECT r.id FROM requests AS r WHERE r.id = :id OR r.group_id = :id)
ORDER BY j.leased_at, j.id;

-- name: is_asked
-- Whether there is a request, or a group of requests, with this id.
SELECT EXISTS (SELECT FROM requests WHERE id = :id OR group_id = :id);
