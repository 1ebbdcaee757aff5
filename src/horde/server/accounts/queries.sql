-- name: users_of_digests
-- The accounts that hold the keys of these digests.
SELECT k.digest, u.*
FROM keys AS k
JOIN users_with_roles AS u ON u.id = k.user_id
WHERE k.digest = ANY(:digests::bytea[]);

-- name: users_by_id
-- Those of these accounts that there are.
SELECT *
FROM users_with_roles
WHERE id = ANY(:ids::bigint[]);

-- name: users_by_kudos
-- A page of the accounts with the most kudos of their own.
SELECT u.*
FROM ledger_accounts AS a
JOIN users_with_roles AS u ON u.id = a.user_id
WHERE u.id NOT IN (SELECT id FROM users WHERE wiped_at IS NOT NULL)
ORDER BY a.spendable_mk + a.held_mk DESC, u.id
LIMIT :limit OFFSET :skipped;

-- name: users_by_age
-- A page of the oldest accounts.
SELECT *
FROM users_with_roles
WHERE id NOT IN (SELECT id FROM users WHERE wiped_at IS NOT NULL)
ORDER BY created_at, id
LIMIT :limit OFFSET :skipped;

-- name: add_user
-- A new account.
INSERT INTO users (name, is_pseudonymous, is_trusted, is_moderator, is_admin, concurrency, created_at)
VALUES (:name, :is_pseudonymous, :is_trusted, :is_moderator, :is_admin, :concurrency, :now)
RETURNING id;

-- name: change_user!
-- Change what is given of a locked account, and leave the rest.
UPDATE users
SET name = coalesce(:name, name), contact = coalesce(:contact, contact),
    has_public_workers = coalesce(:has_public_workers, has_public_workers),
    deleted_at = CASE WHEN :is_undeleted THEN NULL ELSE deleted_at END,
    concurrency = coalesce(:concurrency, concurrency), worker_invited = coalesce(:worker_invited, worker_invited),
    is_trusted = coalesce(:is_trusted, is_trusted), is_flagged = coalesce(:is_flagged, is_flagged),
    is_customizer = coalesce(:is_customizer, is_customizer), is_vpn = coalesce(:is_vpn, is_vpn),
    is_service = coalesce(:is_service, is_service), is_education = coalesce(:is_education, is_education),
    is_special = coalesce(:is_special, is_special), suspicion = coalesce(:suspicion, suspicion),
    admin_comment = coalesce(:admin_comment, admin_comment), is_moderator = coalesce(:is_moderator, is_moderator),
    usage_multiplier = coalesce(:usage_multiplier, usage_multiplier)
WHERE id = :id;

-- name: mark_deleted!
-- A locked account is deleted from now on; its owner may still take that back.
UPDATE users
SET deleted_at = :now
WHERE id = :id AND deleted_at IS NULL;

-- name: deleted_at
-- Since when a locked account is deleted, and since when it is wiped.
SELECT deleted_at, wiped_at
FROM users
WHERE id = :id;

-- name: wiped_among
-- Those of these accounts that were wiped.
SELECT id
FROM users
WHERE id = ANY(:ids::bigint[]) AND wiped_at IS NOT NULL;

-- name: wipe!
-- Forget who a locked account was: its name, what it said of itself, its keys and those that it shared. Its bookings
-- stay, under its number.
WITH own AS (
    DELETE FROM keys
    WHERE user_id = :id
), shared AS (
    DELETE FROM shared_keys
    WHERE user_id = :id
)
UPDATE users
SET name = :name, contact = NULL, admin_comment = NULL, has_public_workers = false, wiped_at = :now
WHERE id = :id;

-- name: records_of
-- What these accounts asked for and gave.
SELECT user_id, kind, requests, used, fulfilled, contributed, styled
FROM user_records
WHERE user_id = ANY(:users::bigint[]);

-- name: add_key!
-- The key of an account, as a digest.
INSERT INTO keys (digest, user_id, created_at)
VALUES (:digest, :user_id, :now);

-- name: count_work!
-- Add to what accounts asked for and gave; what one uses counts by its multiplier.
INSERT INTO user_records AS r (user_id, kind, requests, used, fulfilled, contributed)
SELECT new.user_id, new.kind, new.requests,
    new.used * (SELECT u.usage_multiplier FROM users AS u WHERE u.id = new.user_id), new.fulfilled, new.contributed
FROM jsonb_to_recordset(:records::jsonb) AS new (user_id bigint, kind text, requests bigint, used double precision,
    fulfilled bigint, contributed bigint)
ORDER BY new.user_id, new.kind
ON CONFLICT (user_id, kind) DO UPDATE
SET requests = r.requests + excluded.requests, used = r.used + excluded.used,
    fulfilled = r.fulfilled + excluded.fulfilled, contributed = r.contributed + excluded.contributed;

-- name: lock_user
-- Hold an account's row until the transaction ends; before its balance, where both are locked.
SELECT id
FROM users
WHERE id = :user_id
FOR NO KEY UPDATE;

-- name: trust!
-- Trust an account.
UPDATE users
SET is_trusted = true
WHERE id = :user_id AND NOT is_trusted;

-- name: monthly_due
-- Whose monthly kudos are due, or were never paid: the longest overdue first.
SELECT id
FROM users
WHERE gets_monthly AND (monthly_due_at IS NULL OR monthly_due_at <= :now)
ORDER BY monthly_due_at, id
LIMIT :limit;

-- name: lock_monthly
-- What an account gets each month and when, locked; before its balance, where both are.
SELECT id AS user_id, monthly_mk, is_moderator, gets_monthly, monthly_since AS since, monthly_due_at AS due_at
FROM users
WHERE id = :user_id
FOR NO KEY UPDATE;

-- name: set_monthly_amount!
-- What an account gets each month, beside what moderators get.
UPDATE users
SET monthly_mk = :amount_mk
WHERE id = :user_id;

-- name: set_monthly_clock!
-- Since when an account gets monthly kudos, and when the next are due.
UPDATE users
SET monthly_since = :since, monthly_due_at = :due_at
WHERE id = :user_id;

-- name: stop_monthly_clocks!
-- Accounts that get no monthly kudos owe themselves none: not even where they get some again one day.
UPDATE users
SET monthly_since = NULL, monthly_due_at = NULL
WHERE monthly_due_at <= :now AND NOT gets_monthly;

-- name: suspect!
-- Something speaks against these accounts; who is suspected often enough is not trusted by himself.
WITH held AS (
    SELECT id
    FROM users
    WHERE id = ANY(:user_ids::bigint[])
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE users AS u
SET suspicion = u.suspicion + 1
FROM held
WHERE u.id = held.id;

-- name: count_styled!
-- Add to how often requests of others used the styles of accounts.
INSERT INTO user_records AS r (user_id, kind, styled)
SELECT new.user_id, new.kind, new.styled
FROM jsonb_to_recordset(:records::jsonb) AS new (user_id bigint, kind text, styled bigint)
ORDER BY new.user_id, new.kind
ON CONFLICT (user_id, kind) DO UPDATE
SET styled = r.styled + excluded.styled;

-- name: give_reason!
-- Something speaks against an account that did not yet.
INSERT INTO user_suspicions (user_id, reason)
VALUES (:user_id, :reason)
ON CONFLICT (user_id, reason) DO NOTHING;

-- name: forget_reasons!
-- Nothing of that kind speaks against an account any more: it counts again when it does.
DELETE FROM user_suspicions
WHERE user_id = :user_id;

-- name: set_passkey!
-- The passkey of an account's proxy, as a digest, in the place of an older one.
INSERT INTO proxy_passkeys AS p (user_id, digest, created_at)
VALUES (:user_id, :digest, :now)
ON CONFLICT (user_id) DO UPDATE
SET digest = excluded.digest, created_at = excluded.created_at;

-- name: passkeys
-- Every passkey that holds: of service accounts that are not deleted.
SELECT p.digest
FROM proxy_passkeys AS p
JOIN users_with_roles AS u ON u.id = p.user_id
WHERE u.is_service AND NOT u.is_deleted
ORDER BY p.user_id
LIMIT :limit;

-- name: hold_dev_users
-- Wait until nobody else makes or changes an account for tests, and keep others from it until the transaction ends.
SELECT pg_advisory_xact_lock(:lock_number);

-- name: dev_user
-- The account that was made for tests under this name of a sign-in.
SELECT user_id
FROM dev_users
WHERE oauth_id = :oauth_id;

-- name: add_dev_user!
-- An account was made for tests under this name of a sign-in.
INSERT INTO dev_users (oauth_id, user_id)
VALUES (:oauth_id, :user_id);

-- name: change_dev_user!
-- An account for tests is called so and may so much from now on.
UPDATE users
SET name = :name, is_moderator = :is_moderator, is_trusted = :is_trusted
WHERE id = :user_id;

-- name: replace_key!
-- Give an account another key; the old one is nobody's any more.
UPDATE keys
SET digest = :digest, created_at = :now
WHERE user_id = :user_id;

-- name: shared_keys_by_id
-- Those of these shared keys that there are.
SELECT *
FROM shared_keys
WHERE id = ANY(:ids::uuid[]);

-- name: shared_keys_of
-- The shared keys of accounts, the oldest first.
SELECT user_id, id
FROM shared_keys
WHERE user_id = ANY(:users::bigint[])
ORDER BY user_id, created_at, id;

-- name: lock_shared_keys
-- Hold these shared keys until the transaction ends, in the order of their ids.
SELECT *
FROM shared_keys
WHERE id = ANY(:ids::uuid[])
ORDER BY id
FOR NO KEY UPDATE;

-- name: add_shared_key!
-- A new shared key.
INSERT INTO shared_keys (id, user_id, name, left_mk, expires_at, max_image_pixels, max_image_steps, max_text_tokens,
    created_at)
VALUES (:id, :user_id, :name, :left_mk, :expires_at, :max_image_pixels, :max_image_steps, :max_text_tokens,
    :created_at);

-- name: change_shared_key!
-- A locked shared key as it is from now on.
UPDATE shared_keys
SET name = :name, left_mk = :left_mk, expires_at = :expires_at, max_image_pixels = :max_image_pixels,
    max_image_steps = :max_image_steps, max_text_tokens = :max_text_tokens
WHERE id = :id;

-- name: delete_shared_key!
-- Nobody can ask with this shared key any more.
DELETE FROM shared_keys
WHERE id = :id;

-- name: give_to_styles
-- A shared key of this account is for styles from now on; none where the account has no such key.
UPDATE shared_keys
SET is_for_styles = true
WHERE id = :id AND user_id = :user_id
RETURNING *;

-- name: spend_shared!
-- So much was paid with shared keys. An empty one stays empty, as its owner may have set it to nothing meanwhile.
WITH held AS (
    SELECT id
    FROM shared_keys
    WHERE id = ANY(:ids::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE shared_keys AS k
SET left_mk = CASE WHEN k.left_mk IS NOT NULL THEN greatest(k.left_mk - spent.amount_mk, 0) END,
    utilized_mk = k.utilized_mk + spent.amount_mk
FROM jsonb_to_recordset(:spent::jsonb) AS spent (id uuid, amount_mk bigint)
JOIN held ON held.id = spent.id
WHERE k.id = spent.id;

-- name: raise_shared!
-- So much more may be spent with locked shared keys.
UPDATE shared_keys AS k
SET left_mk = k.left_mk + raised.amount_mk
FROM jsonb_to_recordset(:raised::jsonb) AS raised (id uuid, amount_mk bigint)
WHERE k.id = raised.id AND k.left_mk IS NOT NULL;
