-- name: revisions
-- How often each subject was changed; whoever has a copy of an older revision makes it anew.
SELECT subject, revision
FROM moderation_revisions;

-- name: revise!
-- Tell every process that a subject was changed. First in a transaction: everybody who changes it waits here, so what is
-- looked at afterwards stays true.
UPDATE moderation_revisions
SET revision = revision + 1
WHERE subject = :subject;

-- name: blocks_in_force
-- Blocks and timeouts that hold at a moment; those that hold longest first.
SELECT network, is_timeout, ends_at
FROM address_blocks
WHERE ends_at > :now
ORDER BY ends_at DESC, network, is_timeout
LIMIT :limit;

-- name: set_block!
-- Keep an address or a network out until then, instead of until whenever it was.
INSERT INTO address_blocks (network, is_timeout, ends_at)
VALUES (:network, :is_timeout, :ends_at)
ON CONFLICT (network, is_timeout) DO UPDATE
SET ends_at = excluded.ends_at;

-- name: lift_block!
-- Let exactly this address or network in again.
DELETE FROM address_blocks
WHERE network = :network;

-- name: forget_ended_blocks!
-- Blocks that are over.
DELETE FROM address_blocks
WHERE ends_at <= :now;

-- name: corrupt_prompts_since
-- How many prompts from this network were refused since then.
SELECT count(*)
FROM corrupt_prompts
WHERE network = :network AND at > :since;

-- name: add_corrupt_prompt!
-- A prompt from this network was refused.
INSERT INTO corrupt_prompts (network, at)
VALUES (:network, :now);

-- name: forget_corrupt_prompts!
-- Those that count no more.
DELETE FROM corrupt_prompts
WHERE at <= :since;

-- name: all_filters
-- Every filter with the account that made it, in the order in which they were made.
SELECT f.id, f.regex, f.filter_type, f.description, f.replacement, u.name || '#' || u.id AS made_by
FROM filters AS f
LEFT JOIN users AS u ON u.id = f.user_id
ORDER BY f.id
LIMIT :limit;

-- name: filter_by_id
-- One of them.
SELECT f.id, f.regex, f.filter_type, f.description, f.replacement, u.name || '#' || u.id AS made_by
FROM filters AS f
LEFT JOIN users AS u ON u.id = f.user_id
WHERE f.id = :id;

-- name: filter_like
-- The filter of this type with exactly this expression.
SELECT id
FROM filters
WHERE filter_type = :filter_type AND md5(regex) = md5(:regex);

-- name: count_filters
-- How many there are.
SELECT count(*)
FROM filters;

-- name: add_filter
-- A new filter; where there is one of its type with this expression, that one stays and nothing is returned.
INSERT INTO filters (regex, filter_type, description, replacement, user_id, created_at)
VALUES (:regex, :filter_type, :description, :replacement, :user_id, :now)
ON CONFLICT (filter_type, md5(regex)) DO NOTHING
RETURNING id;

-- name: change_filter!
-- Change what is given of a filter, and leave the rest.
UPDATE filters
SET regex = coalesce(:regex, regex), filter_type = coalesce(:filter_type, filter_type),
    description = coalesce(:description, description), replacement = coalesce(:replacement, replacement)
WHERE id = :id;

-- name: delete_filter!
-- One filter less.
DELETE FROM filters
WHERE id = :id;
