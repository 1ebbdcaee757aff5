-- name: users_of_digests
-- The accounts that hold the keys of these digests.
SELECT k.digest, u.id, u.name, u.is_pseudonymous, u.is_trusted, u.is_moderator, u.concurrency, u.created_at
FROM keys AS k
JOIN users AS u ON u.id = k.user_id
WHERE k.digest = ANY(:digests::bytea[]);

-- name: add_user
-- A new account.
INSERT INTO users (name, is_pseudonymous, is_trusted, is_moderator, concurrency, created_at)
VALUES (:name, :is_pseudonymous, :is_trusted, :is_moderator, :concurrency, :now)
RETURNING id, name, is_pseudonymous, is_trusted, is_moderator, concurrency, created_at;

-- name: add_key!
-- The key of an account, as a digest.
INSERT INTO keys (digest, user_id, created_at)
VALUES (:digest, :user_id, :now);
