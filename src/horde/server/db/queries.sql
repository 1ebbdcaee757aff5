-- name: ring
-- Wake whoever waits for this topic, on every node, at commit.
SELECT pg_notify(:channel, :topic);

-- name: is_leader
-- Whether this session holds the lock of that number, taking it when it is free. Held until the session ends.
SELECT pg_try_advisory_lock(:lock_number);
