-- name: open_account!
-- An account with nothing in it; one that exists stays as it is.
INSERT INTO ledger_accounts (user_id)
VALUES (:user_id)
ON CONFLICT (user_id) DO NOTHING;

-- name: lock_accounts
-- These accounts, locked in the order of their ids.
SELECT id, user_id, system_name, balance_mk
FROM ledger_accounts
WHERE user_id = ANY(:user_ids::bigint[]) OR system_name = ANY(:system_names::text[])
ORDER BY id
FOR UPDATE;

-- name: add_transfer!
-- One movement; nothing when its id is known.
INSERT INTO ledger_transfers (id, source, target, amount_mk, reason, subject, at)
VALUES (:id, :source, :target, :amount_mk, :reason, :subject, :now)
ON CONFLICT (id) DO NOTHING;

-- name: move_balances!
-- Take an amount from one account and put it on another.
UPDATE ledger_accounts
SET balance_mk = balance_mk + CASE WHEN id = :target THEN :amount_mk::bigint ELSE -(:amount_mk::bigint) END
WHERE id IN (:source, :target);

-- name: balance
-- What a user has.
SELECT balance_mk
FROM ledger_accounts
WHERE user_id = :user_id;
