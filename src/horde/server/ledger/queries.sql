-- name: open_account!
-- An account with nothing in it; one that exists stays as it is.
INSERT INTO ledger_accounts (user_id)
VALUES (:user_id)
ON CONFLICT (user_id) DO NOTHING;

-- name: lock_accounts
-- These users' accounts, locked in the order of their ids, and these accounts of the system as they are.
WITH locked AS (
    SELECT id, user_id, system_name, balance_mk
    FROM ledger_accounts
    WHERE user_id = ANY(:user_ids::bigint[])
    ORDER BY id
    FOR NO KEY UPDATE
)
SELECT id, user_id, system_name, balance_mk
FROM locked
UNION ALL
SELECT id, user_id, system_name, balance_mk
FROM ledger_accounts
WHERE system_name = ANY(:system_names::text[]);

-- name: post!
-- Write transfers and move the balances. Of an event whose first transfer, its `lead`, is known, nothing is written.
WITH new AS (
    SELECT *
    FROM jsonb_to_recordset(:transfers::jsonb) AS t (id uuid, lead uuid, source bigint, target bigint,
        amount_mk bigint, reason text, subject uuid)
), leads AS (
    INSERT INTO ledger_transfers (id, source, target, amount_mk, reason, subject, at)
    SELECT id, source, target, amount_mk, reason, subject, :now
    FROM new
    WHERE id = lead
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), rest AS (
    INSERT INTO ledger_transfers (id, source, target, amount_mk, reason, subject, at)
    SELECT new.id, new.source, new.target, new.amount_mk, new.reason, new.subject, :now
    FROM new
    JOIN leads ON leads.id = new.lead
    WHERE new.id <> new.lead
), moves AS (
    SELECT move.account_id, sum(move.amount_mk) AS amount_mk
    FROM new
    JOIN leads ON leads.id = new.lead
    CROSS JOIN LATERAL (VALUES (new.source, -new.amount_mk), (new.target, new.amount_mk)) AS move (account_id, amount_mk)
    GROUP BY move.account_id
)
UPDATE ledger_accounts AS a
SET balance_mk = a.balance_mk + moves.amount_mk
FROM moves
WHERE a.id = moves.account_id;

-- name: balance
-- What a user has.
SELECT balance_mk
FROM ledger_accounts
WHERE user_id = :user_id;
