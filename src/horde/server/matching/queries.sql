-- name: lanes
-- The lanes of these ids.
SELECT id, needs
FROM lanes
WHERE id = ANY(:ids::bigint[])
ORDER BY id;

-- name: waiting_lanes
-- All lanes in which something waits.
SELECT id, needs
FROM lanes AS l
WHERE EXISTS (SELECT FROM requests AS r WHERE r.lane_id = l.id AND r.waiting > 0)
ORDER BY id;

-- name: intern_lanes
-- The lanes of these needs, made where there are none; one that another node made meanwhile is taken as it is.
INSERT INTO lanes (kind, digest, needs)
SELECT wanted.needs ->> 'kind', decode(wanted.digest, 'hex'), wanted.needs
FROM jsonb_to_recordset(:lanes::jsonb) AS wanted (digest text, needs jsonb)
ON CONFLICT (digest) DO UPDATE SET kind = excluded.kind
RETURNING id, needs;

-- name: delete_lanes
-- Lanes made before then that nobody stands in; returns those that are gone.
DELETE FROM lanes
WHERE id IN (
    SELECT l.id
    FROM lanes AS l
    WHERE l.created_at < :before AND NOT EXISTS (SELECT FROM requests AS r WHERE r.lane_id = l.id)
    LIMIT :limit
)
RETURNING id;
