-- name: named
-- The style that each of these references means, as far as there is one: that of the id, or the oldest of the name; one
-- of the wanted kind, and a public one, before others.
SELECT r.place, s.id, s.kind, s.user_id, s.owner, s.name, s.info, s.prompt, s.params, s.is_public, s.is_nsfw, s.tags,
    s.models, s.use_count, s.created_at, s.examples, s.shared_key
FROM jsonb_to_recordset(:refs::jsonb) AS r (place integer, id uuid, name text, owner text, owner_id bigint)
CROSS JOIN LATERAL (
    SELECT *
    FROM styles_seen AS s
    WHERE s.id = r.id
        OR (s.name = r.name AND (r.owner_id IS NULL OR (s.user_id = r.owner_id AND s.owner = r.owner)))
    ORDER BY s.id = r.id DESC, s.kind = :kind::text DESC, s.is_public DESC, s.created_at, s.id
    LIMIT 1
) AS s
ORDER BY r.place;

-- name: meant
-- What a request means by `style`: one style, or where there is none all those of one collection.
WITH style AS (
    SELECT *
    FROM styles_seen AS s
    WHERE :sort::text IS DISTINCT FROM 'collection'
        AND (s.id = :id
            OR (s.name = :name
                AND (:owner_id::bigint IS NULL OR (s.user_id = :owner_id::bigint AND s.owner = :owner::text))))
    ORDER BY s.id = :id DESC, s.kind = :kind DESC, s.is_public DESC, s.created_at, s.id
    LIMIT 1
), collection AS (
    SELECT c.id
    FROM style_collections AS c
    JOIN users AS u ON u.id = c.user_id
    WHERE :sort::text IS DISTINCT FROM 'style' AND NOT EXISTS (SELECT FROM style)
        AND (c.id = :id
            OR (c.name = :name
                AND (:owner_id::bigint IS NULL OR (c.user_id = :owner_id::bigint AND u.name = :owner::text))))
    ORDER BY c.id = :id DESC, c.kind = :kind DESC, c.is_public DESC, c.created_at, c.id
    LIMIT 1
)
SELECT NULL::uuid AS collection_id, 0 AS place, style.*
FROM style
UNION ALL
SELECT m.collection_id, m.place, s.*
FROM collection AS c
JOIN style_members AS m ON m.collection_id = c.id
JOIN styles_seen AS s ON s.id = m.style_id
ORDER BY place;

-- name: popular_styles
-- A page of the public styles of a kind, those used most first; only those with this tag, and for this model.
SELECT *
FROM styles_seen
WHERE kind = :kind AND is_public AND (:tag::text IS NULL OR tags @> ARRAY[:tag::text])
    AND (:model::text IS NULL OR models @> ARRAY[:model::text])
ORDER BY use_count DESC, id
LIMIT :limit
OFFSET :skipped;

-- name: aged_styles
-- The same, the oldest first.
SELECT *
FROM styles_seen
WHERE kind = :kind AND is_public AND (:tag::text IS NULL OR tags @> ARRAY[:tag::text])
    AND (:model::text IS NULL OR models @> ARRAY[:model::text])
ORDER BY created_at, id
LIMIT :limit
OFFSET :skipped;

-- name: styles_of_users
-- What there is of these accounts' styles, by name.
SELECT id, kind, user_id, name, is_public
FROM styles
WHERE user_id = ANY(:users::bigint[])
ORDER BY user_id, name;

-- name: number_of_styles
-- How many styles an account has.
SELECT count(*)
FROM styles
WHERE user_id = :user_id;

-- name: namesakes
-- Other styles of an account with that name; there is one at most.
SELECT id
FROM styles
WHERE user_id = :user_id AND name = :name AND id IS DISTINCT FROM :but::uuid;

-- name: add_style!
-- A new style, unless its owner has one of that name.
INSERT INTO styles (id, kind, user_id, name, info, prompt, params, is_public, is_nsfw, tags, models, shared_key_id,
    created_at)
VALUES (:id, :kind, :user_id, :name, :info, :prompt, :params, :is_public, :is_nsfw, :tags, :models, :shared_key_id,
    :now)
ON CONFLICT (user_id, name) DO NOTHING;

-- name: change_style!
-- Make a style what it shall be; its shared key stays unless there is something about it.
UPDATE styles
SET name = :name, info = :info, prompt = :prompt, params = :params, is_public = :is_public, is_nsfw = :is_nsfw,
    tags = :tags, models = :models,
    shared_key_id = CASE WHEN :has_new_key::boolean THEN :shared_key_id::uuid ELSE shared_key_id END
WHERE id = :id;

-- name: delete_style!
-- Delete a style with its examples; it is in no collection then.
DELETE FROM styles
WHERE id = :id;

-- name: lock_style
-- Hold a style, so that it and its examples stay as they are seen.
SELECT id
FROM styles
WHERE id = :id
FOR NO KEY UPDATE;

-- name: unmark_primary!
-- No example of the style is its primary one.
UPDATE style_examples
SET is_primary = false
WHERE style_id = :style_id AND is_primary;

-- name: add_example!
-- A new example of a style.
INSERT INTO style_examples (id, style_id, url, is_primary, created_at)
VALUES (:id, :style_id, :url, :is_primary, :now);

-- name: change_example!
-- Make an example what it shall be.
UPDATE style_examples
SET url = :url, is_primary = :is_primary
WHERE id = :id;

-- name: delete_example!
-- Delete an example.
DELETE FROM style_examples
WHERE id = :id;

-- name: count_uses!
-- Add to how often styles were used; they are held until the transaction ends.
WITH held AS (
    SELECT id
    FROM styles
    WHERE id = ANY(:ids::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE styles AS s
SET use_count = s.use_count + used.uses
FROM jsonb_to_recordset(:uses::jsonb) AS used (id uuid, uses bigint)
JOIN held ON held.id = used.id
WHERE s.id = used.id;

-- name: count_collection_uses!
-- The same for collections.
WITH held AS (
    SELECT id
    FROM style_collections
    WHERE id = ANY(:ids::uuid[])
    ORDER BY id
    FOR NO KEY UPDATE
)
UPDATE style_collections AS c
SET use_count = c.use_count + used.uses
FROM jsonb_to_recordset(:uses::jsonb) AS used (id uuid, uses bigint)
JOIN held ON held.id = used.id
WHERE c.id = used.id;

-- name: popular_collections
-- A page of the public collections, those used most first.
SELECT *
FROM style_collections_seen
WHERE is_public AND (:kind::text IS NULL OR kind = :kind::text)
ORDER BY use_count DESC, id
LIMIT :limit
OFFSET :skipped;

-- name: aged_collections
-- The same, the oldest first.
SELECT *
FROM style_collections_seen
WHERE is_public AND (:kind::text IS NULL OR kind = :kind::text)
ORDER BY created_at, id
LIMIT :limit
OFFSET :skipped;

-- name: collection_named
-- The collection of that id, or the oldest of that name; a public one before others.
SELECT *
FROM style_collections_seen AS c
WHERE c.id = :id
    OR (c.name = :name AND (:owner_id::bigint IS NULL OR (c.user_id = :owner_id::bigint AND c.owner = :owner::text)))
ORDER BY c.id = :id DESC, c.is_public DESC, c.created_at, c.id
LIMIT 1;

-- name: number_of_collections
-- How many collections an account has.
SELECT count(*)
FROM style_collections
WHERE user_id = :user_id;

-- name: collection_namesakes
-- Other collections of an account with that name; there is one at most.
SELECT id
FROM style_collections
WHERE user_id = :user_id AND name = :name AND id IS DISTINCT FROM :but::uuid;

-- name: add_collection!
-- A new collection, unless its owner has one of that name.
INSERT INTO style_collections (id, kind, user_id, name, info, is_public, created_at)
VALUES (:id, :kind, :user_id, :name, :info, :is_public, :now)
ON CONFLICT (user_id, name) DO NOTHING;

-- name: change_collection!
-- Change what is given of a collection, and leave the rest; it is held until the transaction ends.
UPDATE style_collections
SET kind = coalesce(:kind, kind), name = coalesce(:name, name), info = coalesce(:info, info),
    is_public = coalesce(:is_public, is_public)
WHERE id = :id;

-- name: empty_collection!
-- Take all styles out of a collection that is held.
DELETE FROM style_members
WHERE collection_id = :id;

-- name: add_members!
-- Put styles into a collection, in their order.
INSERT INTO style_members (collection_id, style_id, place)
SELECT :id, s.style_id, s.place
FROM unnest(:styles::uuid[]) WITH ORDINALITY AS s (style_id, place);

-- name: delete_collection!
-- Delete a collection; its styles stay.
DELETE FROM style_collections
WHERE id = :id;
