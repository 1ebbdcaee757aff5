"""Whether the books of a horde agree with each other, as the database has them."""

from horde.kinds import KINDS
from horde.server.context import Context
from tests.server.builders import look, sum_of_balances

REQUESTS = """
SELECT r.id::text, r.kind, r.state, r.n, r.waiting, r.running, r.faults, r.held_mk, r.charge_max_mk,
    count(j.id) FILTER (WHERE j.state = 'leased') AS leased,
    count(j.id) FILTER (WHERE j.state = 'done') AS done,
    count(DISTINCT j.batch) FILTER (WHERE j.state IN ('faulted', 'lost')) AS ended
FROM requests AS r
LEFT JOIN jobs AS j ON j.request_id = r.id
GROUP BY r.id
"""
# Of each job that is done, at most one event; of each that is not, none.
PAYMENTS = """
SELECT j.id::text, j.state, r.user_id = w.user_id AS is_own, count(e.seq) AS events,
    coalesce(sum(p.credited_mk), 0)::bigint AS credited_mk
FROM jobs AS j
JOIN requests AS r ON r.id = j.request_id
JOIN workers AS w ON w.id = j.worker_id
LEFT JOIN ledger_events AS e ON e.job_id = j.id
LEFT JOIN LATERAL (
    SELECT sum(p.spendable_mk + p.escrow_mk) AS credited_mk
    FROM ledger_postings AS p
    JOIN ledger_accounts AS a ON a.id = p.account_id
    WHERE p.event_seq = e.seq AND a.user_id = w.user_id
) AS p ON true
GROUP BY j.id, r.user_id, w.user_id
"""
# What the postings of an account say, beside what the account says.
ACCOUNTS = """
SELECT a.user_id, a.spendable_mk, a.held_mk, a.escrow_mk, a.lifted_mk, a.floor_mk, p.spendable, p.held, p.escrow,
    p.lifted, p.breaks, coalesce(r.held, 0) AS requests_held
FROM ledger_accounts AS a
CROSS JOIN LATERAL (
    SELECT coalesce(sum(spendable_mk), 0) AS spendable, coalesce(sum(held_mk), 0) AS held,
        coalesce(sum(escrow_mk), 0) AS escrow, coalesce(sum(lifted_mk), 0) AS lifted,
        count(*) FILTER (WHERE (spendable_after_mk, held_after_mk, escrow_after_mk) <> (run_s, run_h, run_e)) AS breaks
    FROM (
        SELECT *, sum(spendable_mk) OVER seq AS run_s, sum(held_mk) OVER seq AS run_h, sum(escrow_mk) OVER seq AS run_e
        FROM ledger_postings
        WHERE account_id = a.id
        WINDOW seq AS (ORDER BY event_seq)
    ) AS posting
) AS p
LEFT JOIN (SELECT user_id, sum(held_mk)::bigint AS held FROM requests GROUP BY user_id) AS r ON r.user_id = a.user_id
WHERE a.user_id IS NOT NULL
"""
CROOKED = """
SELECT event_seq
FROM ledger_postings
GROUP BY event_seq
HAVING sum(spendable_mk + held_mk + escrow_mk) <> 0
"""


async def books_agree(ctx: Context) -> None:
    """Fail where they do not: jobs with requests, holds with both, payments with jobs, balances with the ledger."""
    for row in await look(ctx, REQUESTS):
        assert row["faults"] == row["ended"], row
        assert row["running"] == row["leased"], row
        assert 0 <= row["held_mk"] <= (row["waiting"] + row["running"]) * row["charge_max_mk"], row
        if row["state"] == "live":
            assert row["waiting"] + row["leased"] + row["done"] == row["n"], row
            assert row["faults"] < KINDS[row["kind"]].faults_max, row
        else:
            assert row["waiting"] == 0, row
            assert row["leased"] + row["done"] <= row["n"], row
            assert row["state"] == "cancelled" or row["faults"] >= KINDS[row["kind"]].faults_max, row
    for job in await look(ctx, PAYMENTS):
        assert job["events"] <= (job["state"] == "done"), job
    for account in await look(ctx, ACCOUNTS):
        pockets = [account[name] for name in ("spendable_mk", "held_mk", "escrow_mk", "lifted_mk")]
        assert pockets == [account[name] for name in ("spendable", "held", "escrow", "lifted")], account
        assert account["breaks"] == 0, account
        assert account["spendable_mk"] >= account["floor_mk"], account
        assert account["held_mk"] == account["requests_held"] >= 0, account
        assert account["escrow_mk"] >= 0, account
    assert await look(ctx, CROOKED) == []
    assert await sum_of_balances(ctx) == 0
