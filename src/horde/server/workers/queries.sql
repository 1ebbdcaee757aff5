-- name: worker_by_id
-- One worker with its owner.
SELECT *
FROM workers_with_owner
WHERE id = :id;

-- name: lock_worker
-- Hold the worker of that name until the transaction ends.
SELECT id
FROM workers
WHERE name = :name
FOR UPDATE;

-- name: online_workers
-- Everybody who checked in since then.
SELECT *
FROM workers_with_owner
WHERE last_seen >= :since
ORDER BY name;

-- name: workers_of
-- A user's workers.
SELECT id
FROM workers
WHERE user_id = :user_id
ORDER BY name;

-- name: known_workers
-- Those of the ids that a worker has.
SELECT id
FROM workers
WHERE id = ANY(:ids::uuid[]);

-- name: add_worker!
-- A new worker; when another node was faster, its worker stays.
INSERT INTO workers (id, user_id, name, kind, agent, offer, models, threads, first_seen, last_seen)
VALUES (:id, :user_id, :name, :kind, :agent, :offer, :models, :threads, :now, :now)
ON CONFLICT (name) DO NOTHING;

-- name: update_worker!
-- What the worker said at this check-in.
UPDATE workers
SET agent = :agent, offer = :offer, models = :models, threads = :threads, uptime_s = uptime_s + :uptime_s,
    last_seen = greatest(last_seen, :now)
WHERE id = :id;

-- name: credit_worker!
-- A job was delivered: count it and remember its speed among the last 20.
UPDATE workers
SET fulfilled = fulfilled + 1, things = things + :things, earned_mk = earned_mk + :earned_mk,
    speeds = trim_array(array_prepend(:speed::double precision, speeds), greatest(cardinality(speeds) - 19, 0))
WHERE id = :id;

-- name: count_uncompleted!
-- A job was given back.
UPDATE workers
SET uncompleted = uncompleted + :jobs
WHERE id = :id;
