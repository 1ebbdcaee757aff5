-- name: find_lane
-- The lane of these needs.
SELECT id
FROM lanes
WHERE digest = :digest;

-- name: add_lane
-- A new lane; when another node was faster, its lane.
INSERT INTO lanes (kind, digest, needs, models)
VALUES (:kind, :digest, :needs, :models)
ON CONFLICT (digest) DO UPDATE SET kind = excluded.kind
RETURNING id;

-- name: waiting_lanes
-- The lanes of a kind in which somebody waits, with the number of requests in each.
SELECT l.id, l.needs, count(*)::integer AS waiting
FROM requests AS r
JOIN lanes AS l ON l.id = r.lane_id
WHERE r.kind = :kind AND r.waiting > 0
GROUP BY l.id;
