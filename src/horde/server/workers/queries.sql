-- name: worker_by_id
-- One worker with its owner.
SELECT *
FROM workers_with_owner
WHERE id = :id AND NOT is_deleted;

-- name: workers_named
-- The workers of these names, with their owners.
SELECT *
FROM workers_with_owner
WHERE name = ANY(:names::text[]) AND NOT is_deleted;

-- name: lock_workers
-- Hold these workers until the transaction ends, in the order of their ids.
SELECT id
FROM workers
WHERE id = ANY(:ids::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: online_workers
-- Everybody who checked in since then, also who was deleted after it; with `changed_after`, only those of them of whom
-- something changed.
SELECT *
FROM workers_with_owner
WHERE last_seen >= :since AND (:changed_after::timestamptz IS NULL OR changed_at > :changed_after)
ORDER BY name;

-- name: workers_of
-- These users' workers.
SELECT user_id, id
FROM workers
WHERE user_id = ANY(:users::bigint[]) AND deleted_at IS NULL
ORDER BY name;

-- name: workers_of_team
-- A team's workers, held until the transaction ends, in the order of their ids.
SELECT id
FROM workers
WHERE team_id = :team_id
ORDER BY id
FOR NO KEY UPDATE;

-- name: set_team!
-- These workers are of this team from now on, or of none.
UPDATE workers
SET team_id = :team_id, changed_at = clock_timestamp()
WHERE id = ANY(:ids::uuid[]);

-- name: people_of_team
-- Whose workers a team has.
SELECT DISTINCT user_id
FROM workers
WHERE team_id = :team_id
ORDER BY user_id;

-- name: worker_names
-- The names of workers, also of deleted ones, as far as they are known.
SELECT id, name
FROM workers
WHERE id = ANY(:ids::uuid[]);

-- name: known_workers
-- Those of the ids that a worker has.
SELECT id
FROM workers
WHERE id = ANY(:ids::uuid[]) AND deleted_at IS NULL;

-- name: hold_the_door
-- Wait until nobody else adds workers, and keep others from it until the transaction ends.
SELECT pg_advisory_xact_lock(:lock_number);

-- name: workers_of_owners
-- How many workers these accounts have, and how many they are invited for.
SELECT u.id AS user_id, u.worker_invited, count(w.id)::integer AS workers
FROM users AS u
LEFT JOIN workers AS w ON w.user_id = u.id AND w.deleted_at IS NULL
WHERE u.id = ANY(:users::bigint[])
GROUP BY u.id;

-- name: workers_of_origins
-- How many workers came last from each of these addresses.
SELECT address AS origin, count(*)::integer AS workers
FROM workers
WHERE address = ANY(:origins::text[]) AND address <> '' AND deleted_at IS NULL
GROUP BY address;

-- name: origin_of_worker
-- Where a worker came from last: a public address, of IPv6 the /64 around it; empty where it is not known.
SELECT address
FROM workers
WHERE id = :id;

-- name: add_workers!
-- New workers; when another node was faster, its worker stays.
INSERT INTO workers (id, user_id, name, kind, agent, offer, models, threads, address, first_seen, last_seen)
SELECT new.id, new.user_id, new.name, new.kind, new.agent, new.offer, new.models, new.threads, new.address, new.now,
    new.now
FROM jsonb_to_recordset(:workers::jsonb) AS new (id uuid, user_id bigint, name text, kind text, agent text,
    offer jsonb, models text[], threads integer, address text, now timestamptz)
ORDER BY new.name
ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING;

-- name: update_workers
-- What locked workers said at this check-in. Time since the last one counts as uptime unless the worker was gone in
-- between, or serves only its own people; counted here, as another node may have counted some of it a moment ago. What is
-- not paid yet is counted anew after an absence. Returns who has more of it than `pay_after_s`.
WITH said AS (
    SELECT *
    FROM jsonb_to_recordset(:workers::jsonb) AS s (id uuid, agent text, offer jsonb, models text[], threads integer,
        address text)
), updated AS (
    UPDATE workers AS w
    SET agent = said.agent, offer = said.offer, models = said.models, threads = said.threads, address = said.address,
        uptime_s = w.uptime_s + up.counted_s,
        uptime_unpaid_s = up.counted_s + CASE WHEN up.was_gone THEN 0 ELSE w.uptime_unpaid_s END,
        last_seen = greatest(w.last_seen, :now), changed_at = clock_timestamp()
    FROM said
    JOIN workers AS before ON before.id = said.id
    CROSS JOIN LATERAL (
        SELECT gone.was_gone, CASE
            WHEN gone.was_gone OR before.is_in_maintenance OR before.is_paused THEN 0
            WHEN coalesce(before.offer ->> 'serves', 'everybody') <> 'everybody' THEN 0
            ELSE greatest(extract(epoch FROM :now - before.last_seen), 0)
        END AS counted_s
        FROM (SELECT :now - before.last_seen > :online_for::interval AS was_gone) AS gone
    ) AS up
    WHERE w.id = said.id
    RETURNING w.id, w.uptime_unpaid_s
)
SELECT id
FROM updated
WHERE uptime_unpaid_s > :pay_after_s;

-- name: uptime_paid!
-- Locked workers were paid for their time, and it counts for their teams.
WITH paid AS (
    SELECT *
    FROM jsonb_to_recordset(:workers::jsonb) AS p (id uuid, paid_mk bigint)
)
UPDATE workers AS w
SET uptime_unpaid_s = 0, uptime_mk = w.uptime_mk + paid.paid_mk, earned_mk = w.earned_mk + paid.paid_mk,
    changed_at = clock_timestamp()
FROM paid
WHERE w.id = paid.id;

-- name: credit!
-- Jobs were delivered: count them for their workers, which are held until the transaction ends, for each worker's model
-- with its last 20 speeds, and for the slice of time.
WITH held AS (
    SELECT id
    FROM workers
    WHERE id = ANY(:ids::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
), of_workers AS (
    UPDATE workers AS w
    SET fulfilled = w.fulfilled + done.jobs, things = w.things + done.things, earned_mk = w.earned_mk + done.earned_mk,
        speeds = trim_array(done.speeds || w.speeds, greatest(cardinality(done.speeds || w.speeds) - 20, 0)), changed_at = clock_timestamp()
    FROM jsonb_to_recordset(:workers::jsonb) AS done (id uuid, jobs bigint, things bigint, earned_mk bigint,
        speeds double precision[])
    JOIN held ON held.id = done.id
    WHERE w.id = done.id
), of_models AS (
    INSERT INTO worker_models AS m (worker_id, model, jobs, speeds)
    SELECT done.worker_id, done.model, done.jobs, trim_array(done.speeds, greatest(cardinality(done.speeds) - 20, 0))
    FROM jsonb_to_recordset(:models::jsonb) AS done (worker_id uuid, model text, jobs bigint,
        speeds double precision[])
    ON CONFLICT (worker_id, model) DO UPDATE
    SET jobs = m.jobs + excluded.jobs, speeds = trim_array(excluded.speeds || m.speeds, greatest(cardinality(excluded.speeds || m.speeds) - 20, 0))
)
INSERT INTO work_done AS w (kind, model, slice, jobs, things, busy_s)
SELECT done.kind, done.model, to_timestamp(done.slice_s), done.jobs, done.things, done.busy_s
FROM jsonb_to_recordset(:slices::jsonb) AS done (kind text, model text, slice_s double precision, jobs bigint,
    things bigint, busy_s double precision)
ON CONFLICT (kind, slice, model) DO UPDATE
SET jobs = w.jobs + excluded.jobs, things = w.things + excluded.things, busy_s = w.busy_s + excluded.busy_s;

-- name: count_uncompleted
-- Jobs were given back by these locked workers. Who failed too often within so long is put into maintenance, with a
-- message where it was not there yet, and begins anew; in raid mode it is not told so. Returns those with their owners.
WITH counted AS (
    SELECT w.id, given.jobs, (:aborted_max::jsonb ->> w.kind)::integer AS aborted_max,
        given.failures + CASE WHEN w.aborted_since > :now::timestamptz - :within::interval THEN w.aborted ELSE 0 END AS aborted,
        CASE WHEN w.aborted_since > :now::timestamptz - :within::interval THEN w.aborted_since ELSE :now END AS aborted_since
    FROM workers AS w
    JOIN jsonb_to_recordset(:workers::jsonb) AS given (id uuid, jobs bigint, failures integer) ON given.id = w.id
), judged AS (
    SELECT counted.*, m.raid AS is_raid,
        aborted > CASE WHEN m.raid THEN aborted_max / 2 ELSE aborted_max END AS is_too_much
    FROM counted
    CROSS JOIN modes AS m
), changed AS (
    UPDATE workers AS w
    SET uncompleted = w.uncompleted + judged.jobs,
        aborted = CASE WHEN judged.is_too_much THEN 0 ELSE judged.aborted END,
        aborted_since = CASE WHEN judged.is_too_much OR judged.aborted = 0 THEN NULL ELSE judged.aborted_since END,
        maintenance_message = CASE
            WHEN judged.is_too_much AND NOT judged.is_raid AND NOT w.is_in_maintenance
            THEN replace(:message, :times, judged.aborted_max::text)
            ELSE w.maintenance_message
        END,
        is_in_maintenance = w.is_in_maintenance OR (judged.is_too_much AND NOT judged.is_raid),
        changed_at = clock_timestamp()
    FROM judged
    WHERE w.id = judged.id
    RETURNING w.id, w.name, w.user_id, judged.is_too_much
)
SELECT id, name, user_id
FROM changed
WHERE is_too_much;

-- name: suspect_workers
-- These reasons speak against locked workers; one that counts once changes nothing the second time. Pauses whose points
-- are enough now, unless the owner is trusted, and returns the names of those that were not paused before.
WITH given AS (
    INSERT INTO worker_suspicions AS s (worker_id, reason)
    SELECT g.worker_id, g.reason
    FROM jsonb_to_recordset(:reasons::jsonb) AS g (worker_id uuid, reason text)
    ORDER BY g.worker_id, g.reason
    ON CONFLICT (worker_id, reason) DO UPDATE
    SET points = s.points + 1
    WHERE s.reason = ANY(:each_time::text[])
    RETURNING worker_id, reason, points
), totals AS (
    -- The table is seen as it was before this statement.
    SELECT n.worker_id, sum(n.points) + coalesce((
        SELECT sum(old.points)
        FROM worker_suspicions AS old
        WHERE old.worker_id = n.worker_id
            AND NOT EXISTS (SELECT FROM given AS g WHERE g.worker_id = old.worker_id AND g.reason = old.reason)
    ), 0) AS points
    FROM given AS n
    GROUP BY n.worker_id
)
UPDATE workers AS w
SET is_paused = true, changed_at = clock_timestamp()
FROM totals, users AS u
WHERE w.id = totals.worker_id AND u.id = w.user_id AND totals.points >= :suspicious_from::integer
    AND NOT w.is_paused AND NOT u.is_trusted
RETURNING w.name;

-- name: confidential
-- Where these workers came from last, and how many points speak against them.
SELECT w.id, w.address, (
        SELECT coalesce(sum(s.points), 0)::integer
        FROM worker_suspicions AS s
        WHERE s.worker_id = w.id
    ) AS points
FROM workers AS w
WHERE w.id = ANY(:ids::uuid[]);

-- name: clear_worker!
-- Nothing speaks against a worker any more.
DELETE FROM worker_suspicions
WHERE worker_id = :id;

-- name: modify_worker!
-- Change of a locked worker what is not NULL. An empty text is none. One that is online and serves everybody again is held
-- to be seen now, so that its next check-in counts no uptime from before.
UPDATE workers AS w
SET name = coalesce(:name, w.name),
    info = CASE WHEN :info::text IS NULL THEN w.info ELSE nullif(:info, '') END,
    is_paused = coalesce(:is_paused, w.is_paused),
    maintenance_message = CASE
        WHEN :is_in_maintenance::boolean IS NULL THEN w.maintenance_message
        WHEN :is_in_maintenance THEN nullif(:maintenance_message, '')
    END,
    is_in_maintenance = coalesce(:is_in_maintenance, w.is_in_maintenance),
    last_seen = CASE
        WHEN (w.is_in_maintenance OR w.is_paused)
            AND NOT (coalesce(:is_in_maintenance, w.is_in_maintenance) OR coalesce(:is_paused, w.is_paused))
            AND :now - w.last_seen <= :online_for::interval
        THEN greatest(w.last_seen, :now)
        ELSE w.last_seen
    END,
    changed_at = clock_timestamp()
WHERE w.id = :id;

-- name: delete_worker!
-- A locked worker is no more. What it did stays, and what it is doing may still be delivered.
UPDATE workers
SET deleted_at = :now, team_id = NULL, changed_at = clock_timestamp()
WHERE id = :id;

-- name: fold_slices!
-- Old slices of work become hours, in one statement: nothing is lost and nothing counted twice, whenever it is killed.
WITH old AS (
    DELETE FROM work_done
    WHERE slice < :before
    RETURNING kind, model, slice, jobs, things
)
INSERT INTO work_history AS h (kind, model, period, begins, jobs, things)
SELECT kind, model, 'hour', date_trunc('hour', slice, 'UTC') AS begins, sum(jobs), sum(things)
FROM old
GROUP BY kind, model, begins
ORDER BY kind, model, begins
ON CONFLICT (kind, period, begins, model) DO UPDATE
SET jobs = h.jobs + excluded.jobs, things = h.things + excluded.things;

-- name: fold_history!
-- The same of old hours, which become days, or of old days, which become what was ever done.
WITH old AS (
    DELETE FROM work_history
    WHERE period = :period AND begins < :before
    RETURNING kind, model, begins, jobs, things
)
INSERT INTO work_history AS h (kind, model, period, begins, jobs, things)
SELECT kind, model, :larger::text,
    CASE WHEN :larger = 'day' THEN date_trunc('day', old.begins, 'UTC') ELSE to_timestamp(0) END AS starts, sum(jobs),
    sum(things)
FROM old
GROUP BY kind, model, starts
ORDER BY kind, model, starts
ON CONFLICT (kind, period, begins, model) DO UPDATE
SET jobs = h.jobs + excluded.jobs, things = h.things + excluded.things;

-- name: work_by_period
-- All work that was ever done, by model, and what of it was done since each of these moments: out of at most two hours of
-- slices, a day of hours, a month of days, and one row for all before.
SELECT kind, model,
    coalesce(sum(jobs) FILTER (WHERE begins >= :minute), 0)::bigint AS minute_jobs,
    coalesce(sum(things) FILTER (WHERE begins >= :minute), 0)::bigint AS minute_things,
    coalesce(sum(jobs) FILTER (WHERE begins >= :hour), 0)::bigint AS hour_jobs,
    coalesce(sum(things) FILTER (WHERE begins >= :hour), 0)::bigint AS hour_things,
    coalesce(sum(jobs) FILTER (WHERE begins >= :day), 0)::bigint AS day_jobs,
    coalesce(sum(things) FILTER (WHERE begins >= :day), 0)::bigint AS day_things,
    coalesce(sum(jobs) FILTER (WHERE begins >= :month), 0)::bigint AS month_jobs,
    coalesce(sum(things) FILTER (WHERE begins >= :month), 0)::bigint AS month_things,
    sum(jobs)::bigint AS total_jobs, sum(things)::bigint AS total_things
FROM (
    SELECT kind, model, slice AS begins, jobs, things
    FROM work_done
    UNION ALL
    SELECT kind, model, begins, jobs, things
    FROM work_history
) AS work
GROUP BY kind, model;

-- name: done_since
-- The work since then, and of it that since the minute, by model.
SELECT kind, model, sum(things)::bigint AS things, sum(busy_s) AS busy_s,
    coalesce(sum(things) FILTER (WHERE slice >= :minute), 0)::bigint AS things_in_minute
FROM work_done
WHERE slice >= :since
GROUP BY kind, model;

-- name: models_of_worker
-- What a worker did with each of its models, with its last speeds.
SELECT model, jobs, speeds
FROM worker_models
WHERE worker_id = :worker_id
ORDER BY jobs DESC, model;

-- name: add_message
-- A new message; none where its author has `at_most` shown already.
INSERT INTO worker_messages (id, worker_id, user_id, message, origin, created_at, expires_at)
SELECT :id, :worker_id, :user_id::bigint, :message, :origin, :created_at::timestamptz, :expires_at
WHERE :at_most::integer IS NULL OR :at_most > (
    SELECT count(*)
    FROM worker_messages
    WHERE user_id = :user_id::bigint AND expires_at > :created_at::timestamptz
)
RETURNING id;

-- name: delete_message!
-- A message is shown no more.
DELETE FROM worker_messages
WHERE id = :id;

-- name: forget_messages!
-- Forget what expired long ago.
DELETE FROM worker_messages
WHERE expires_at < :before;

-- name: message_by_id
-- One message.
SELECT *
FROM worker_messages
WHERE id = :id;

-- name: messages_seen
-- A page of messages, the newest first; with `seen_by` only those of this account, to its workers and to all.
SELECT m.*
FROM worker_messages AS m
WHERE (:seen_by::bigint IS NULL OR m.user_id = :seen_by OR m.worker_id IS NULL
        OR m.worker_id IN (SELECT id FROM workers WHERE user_id = :seen_by))
    AND (:author::bigint IS NULL OR m.user_id = :author)
    AND (:worker_id::uuid IS NULL OR m.worker_id = :worker_id)
    AND (:is_active::boolean IS NULL OR (m.expires_at > :now) = :is_active)
ORDER BY m.created_at DESC, m.id
LIMIT :limit OFFSET :skipped;

-- name: messages_of_workers
-- What is shown to each of these workers alone.
SELECT *
FROM worker_messages
WHERE worker_id = ANY(:workers::uuid[]) AND expires_at > :now
ORDER BY created_at, id;

-- name: messages_shown
-- What is shown to all workers, and to those that checked in since then.
SELECT m.*
FROM worker_messages AS m
WHERE m.expires_at > :now AND (m.worker_id IS NULL
    OR EXISTS (SELECT FROM workers AS w WHERE w.id = m.worker_id AND w.last_seen >= :since))
ORDER BY m.created_at, m.id;

-- name: faults_of_worker
-- Jobs that a worker gave back with a word, the newest first.
SELECT id AS job_id, model, fault_reason AS reason, ended_at
FROM jobs
WHERE worker_id = :worker_id AND fault_reason IS NOT NULL
ORDER BY ended_at DESC, id
LIMIT :limit;
