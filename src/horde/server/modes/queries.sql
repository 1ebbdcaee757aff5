-- name: modes
-- Which doors are closed.
SELECT maintenance, invite_only, raid
FROM modes;

-- name: set_modes!
-- Close and open what is not NULL.
UPDATE modes
SET maintenance = coalesce(:maintenance, maintenance), invite_only = coalesce(:invite_only, invite_only),
    raid = coalesce(:raid, raid);
