"""Whatever happens in whatever order: no image appears or vanishes, and every kudos is accounted for.

A random walk over the verbs of the engine; after each step the database is asked whether its books agree.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from horde.errors import AbortedGen, DuplicateGen, InvalidJobID, RequestNotFound, TooManyPrompts
from horde.server.accounts.users import User
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import report_fault
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.lease import Popped
from horde.server.requests.pop import pop
from tests.plugins.hordes import Clock
from tests.server.builders import anonymous, ask, asked, delivered, has, look, sum_of_balances, user

STEPS = 300
EXPECTED = (AbortedGen, DuplicateGen, InvalidJobID, RequestNotFound, TooManyPrompts)
"""What verbs may answer to a call that comes too late or too often."""

REQUESTS = """
SELECT r.id::text, r.state, r.n, r.waiting, r.faults, r.charged_mk,
    count(j.id) FILTER (WHERE j.state = 'leased') AS leased,
    count(j.id) FILTER (WHERE j.state = 'done') AS done,
    count(DISTINCT j.batch) FILTER (WHERE j.state IN ('faulted', 'lost')) AS ended,
    coalesce(sum(j.reward_mk) FILTER (WHERE j.result_state = 'ok'), 0)::bigint AS owed_mk
FROM requests AS r
LEFT JOIN jobs AS j ON j.request_id = r.id
GROUP BY r.id
"""
PAID = """
SELECT j.id, j.state, j.reward_mk, r.user_id = w.user_id AS is_own, (
        SELECT coalesce(sum(t.amount_mk), 0)::bigint
        FROM ledger_transfers AS t
        WHERE t.subject = j.id AND t.reason = 'job'
    ) AS paid_mk
FROM jobs AS j
JOIN requests AS r ON r.id = j.request_id
JOIN workers AS w ON w.id = j.worker_id
"""


class Walk:
    """A horde in which everybody does anything at any time, with what the walker remembers of it."""

    def __init__(self, clock: Clock, chance: random.Random, users: list[User]) -> None:
        self.clock, self.chance, self.users = clock, chance, users
        self.requests: list[str] = []
        self.jobs: list[tuple[str, User]] = []
        self.earned: Counter[int] = Counter()
        self.deliveries = 0

    async def step(self) -> str:
        """Do something; returns its name."""
        moves: dict[Callable[[], Awaitable[object]], int] = {
            self.submits: 4, self.pops: 8, self.delivers: 6, self.faults: 1, self.cancels: 1, self.drops: 1,
            self.waits_a_little: 3, self.waits_long: 1, self.sweeps: 2,
        }  # fmt: skip
        [move] = self.chance.choices(list(moves), weights=list(moves.values()))
        try:
            await move()
        except EXPECTED as refused:
            return f"{move.__name__}: {refused.rc}"
        return move.__name__

    async def submits(self) -> None:
        requestor = self.chance.choice(self.users)
        self.requests.append(await asked(self.clock.ctx, requestor, n=self.chance.randint(1, 5)))

    async def pops(self, held_jobs: frozenset[str] | None = None) -> None:
        owner = self.chance.choice(self.users)
        call = ask(f"Worker of {owner.id}", amount=self.chance.randint(1, 3), held_jobs=held_jobs)
        answer = await pop(self.clock.ctx, owner, call)
        if isinstance(answer, Popped):
            self.jobs += [(job_id, owner) for job_id in answer.job_ids]

    async def drops(self) -> None:
        await self.pops(held_jobs=frozenset(job_id for job_id, _ in self.jobs if self.chance.random() < 0.7))

    async def delivers(self) -> None:
        job_id, owner = self.any_job()
        state = self.chance.choice(["ok", "ok", "ok", "censored"])
        self.earned[owner.id] += await delivered(self.clock.ctx, owner, job_id, state=state)
        self.deliveries += 1

    async def faults(self) -> None:
        job_id, owner = self.any_job()
        await report_fault(self.clock.ctx, owner, job_id)

    async def cancels(self) -> None:
        if self.requests:
            await cancel(self.clock.ctx, self.chance.choice(self.requests), kind="image")

    async def waits_a_little(self) -> None:
        self.clock.move(seconds=self.chance.randint(1, 60))

    async def waits_long(self) -> None:
        self.clock.move(minutes=self.chance.randint(1, 25))

    async def sweeps(self) -> None:
        await return_late_jobs(self.clock.ctx)
        await forget_expired(self.clock.ctx)

    def any_job(self) -> tuple[str, User]:
        if not self.jobs:
            raise InvalidJobID
        return self.chance.choice(self.jobs[-6:])

    async def check(self) -> None:
        """Ask the database whether its books agree."""
        ctx = self.clock.ctx
        for row in await look(ctx, REQUESTS):
            assert row["faults"] == row["ended"]
            assert row["charged_mk"] == row["owed_mk"]
            if row["state"] == "live":
                assert row["waiting"] + row["leased"] + row["done"] == row["n"]
                assert row["faults"] < 3
            else:
                assert row["waiting"] == 0
                assert row["leased"] + row["done"] <= row["n"]
                assert row["state"] == "cancelled" or row["faults"] >= 3
        for job in await look(ctx, PAID):
            assert job["paid_mk"] == (0 if job["is_own"] or job["state"] != "done" else job["reward_mk"])
        assert await sum_of_balances(ctx) == 0
        workers = await look(ctx, "SELECT user_id, fulfilled, earned_mk FROM workers")
        assert sum(worker["fulfilled"] for worker in workers) == self.deliveries
        assert {worker["user_id"]: worker["earned_mk"] for worker in workers if worker["earned_mk"]} == +self.earned
        for each in self.users:
            assert await has(ctx, each) >= (-50_000 if each.is_anonymous else 0)


@pytest.mark.parametrize("seed", range(3))
async def test_books_agree_after_every_step_of_a_random_walk(clock: Clock, seed: int) -> None:
    users = [await anonymous(clock.ctx), *[await user(clock.ctx, f"U{has}", has=has) for has in (0, 50, 1000)]]
    walk = Walk(clock, random.Random(seed), users)
    trail = []

    for _ in range(STEPS):
        trail.append(await walk.step())
        try:
            await walk.check()
        except AssertionError as disagreement:
            raise AssertionError(f"after {trail}") from disagreement

    done = Counter(trail)
    assert min(done[name] for name in ("submits", "pops", "delivers", "faults", "cancels", "drops", "sweeps")) > 0, done
