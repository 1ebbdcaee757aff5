-- name: announce!
-- Tell every node at commit.
SELECT pg_notify(:channel, payload)
FROM unnest(:payloads::text[]) AS payload;

-- name: is_leader
-- Whether this session holds the lock of that number, taking it when it is free. Held until the session ends.
SELECT pg_try_advisory_lock(:lock_number);
