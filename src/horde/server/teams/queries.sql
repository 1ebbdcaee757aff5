-- name: all_teams
-- The teams, or those of these ids, with their founders; who earned most first.
SELECT t.id, t.name, t.info, t.user_id, u.name AS founder, t.fulfilled, t.earned_mk, t.uptime_s
FROM teams AS t
JOIN users AS u ON u.id = t.user_id
WHERE :ids::uuid[] IS NULL OR t.id = ANY(:ids::uuid[])
ORDER BY t.earned_mk DESC, t.id
LIMIT :limit;

-- name: members
-- The workers of these teams.
SELECT team_id, id, kind, name, last_seen, models
FROM workers
WHERE team_id = ANY(:teams::uuid[])
ORDER BY name;

-- name: add_team!
-- A new team, unless there is one of that name.
INSERT INTO teams (id, name, info, user_id, created_at)
VALUES (:id, :name, :info, :user_id, :now)
ON CONFLICT ((lower(name))) DO NOTHING;

-- name: namesakes
-- Other teams of that name.
SELECT id
FROM teams
WHERE lower(name) = lower(:name) AND id <> :id;

-- name: change_team!
-- Change what is given of a team, and leave the rest.
UPDATE teams
SET name = coalesce(:name, name), info = coalesce(:info, info)
WHERE id = :id;

-- name: delete_team!
-- Delete a team; its workers were taken out of it before.
DELETE FROM teams
WHERE id = :id;

-- name: count!
-- Add to what teams have done; they are held until the transaction ends.
WITH held AS (
    SELECT id
    FROM teams
    WHERE id = ANY(:ids::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE teams AS t
SET fulfilled = t.fulfilled + done.jobs, things = t.things + done.things, earned_mk = t.earned_mk + done.earned_mk,
    uptime_s = t.uptime_s + done.uptime_s
FROM jsonb_to_recordset(:shares::jsonb) AS done (id uuid, jobs bigint, things bigint, earned_mk bigint,
    uptime_s double precision)
JOIN held ON held.id = done.id
WHERE t.id = done.id;
