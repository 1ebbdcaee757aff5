-- name: kept
-- What was answered to the calls of these keys; each key with whose it is.
SELECT k.user_id, k.key, k.digest, k.answer
FROM jsonb_to_recordset(:keys::jsonb) AS asked (user_id bigint, key text)
JOIN idempotency_keys AS k ON k.user_id = asked.user_id AND k.key = asked.key;

-- name: keep
-- Keep these answers, where the keys are new; returns the keys that were.
INSERT INTO idempotency_keys (user_id, key, digest, answer, created_at)
SELECT new.user_id, new.key, decode(new.digest, 'hex'), new.answer, :now
FROM jsonb_to_recordset(:answers::jsonb) AS new (user_id bigint, key text, digest text, answer jsonb)
ORDER BY new.user_id, new.key
ON CONFLICT (user_id, key) DO NOTHING
RETURNING user_id, key;

-- name: forget!
-- Forget the keys of calls before then.
DELETE FROM idempotency_keys
WHERE created_at < :before;
