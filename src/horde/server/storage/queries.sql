-- name: add_secret!
-- A secret of the horde; one that exists stays as it is.
INSERT INTO secrets (name, value)
VALUES (:name, :value)
ON CONFLICT (name) DO NOTHING;

-- name: secret
-- A secret of the horde.
SELECT value
FROM secrets
WHERE name = :name;
