"""Whatever happens in whatever order: no image appears or vanishes, and every kudos is accounted for.

Hypothesis draws what people, workers and time do, step after step; after each the database is asked whether its books
agree. Two nodes take turns, and either may be restarted at any moment, with nothing left in its memory.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from horde.errors import AbortedGen, DuplicateGen, InvalidJobID, KudosValidationError, RequestNotFound, TooManyPrompts
from horde.server.accounts.change import AdminChanges, Changes, ModeratorChanges
from horde.server.accounts.change import change as change_user
from horde.server.accounts.users import User
from horde.server.app import open_services
from horde.server.context import Context
from horde.server.db.batch import Batches
from horde.server.ledger.gifts import award, transfer
from horde.server.ledger.monthly import pay_monthly
from horde.server.ledger.promotion import promote
from horde.server.ledger.verify import Sums
from horde.server.memory import Memory
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import deliver, report_fault
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.lease import Popped
from horde.server.requests.pop import pop
from horde.server.requests.submit import submit
from horde.server.settings import Settings
from horde.server.status.books import verify_books
from horde.server.styles.pick import StyleUse
from horde.server.workers.checkin import check_in
from horde.units import KUDOS_SCALE, Kudos
from tests.plugins.hordes import Clock
from tests.server.agreement import books_agree
from tests.server.builders import anonymous, ask, asked, change, delivery, draft, look, purse, said, user

STEPS, WALKS = 30, 40
EXPECTED = (AbortedGen, DuplicateGen, InvalidJobID, KudosValidationError, RequestNotFound, TooManyPrompts)
"""What verbs may answer to a call that comes too late or too often."""
PEOPLE = st.integers(0, 3)
STATES = st.sampled_from(["ok", "ok", "censored", "csam"])
ENDS = STATES | st.sampled_from(["fault", "nothing"])
STARTS = (0, 50, 1000)
STYLE = uuid4()
"""Whoever its author is; that there is none in the database counts for nothing here."""
SETTLED = "UPDATE requests SET expires_at = now() - interval '1 day'"


class Horde:
    """A horde for all walks: its services and the loop that they live in."""

    def __init__(self, settings: Settings) -> None:
        self.runner = asyncio.Runner()
        self._settings = settings
        self._stack = AsyncExitStack()
        self.clock = self.runner.run(self._open())

    async def _open(self) -> Clock:
        return Clock(await self._stack.enter_async_context(open_services(self._settings)))

    def close(self) -> None:
        self.runner.run(self._stack.aclose())
        self.runner.close()

    def do(self, act: Coroutine[Any, Any, Any]) -> Any:
        """Have it done; what a verb may refuse is None."""
        try:
            return self.runner.run(act)
        except EXPECTED:
            return None


@pytest.fixture
def horde_for_walks(settings: Settings) -> Iterator[Horde]:
    """Not the fixture of the same kind for async tests: hypothesis calls its rules outside any loop."""
    found = Horde(settings)
    yield found
    found.close()


class Walk(RuleBasedStateMachine):
    """Everything that anybody can do to a horde at any time."""

    horde: ClassVar[Horde]

    def __init__(self) -> None:
        super().__init__()
        self.people: list[User] = []
        self.nodes: list[Context] = []
        self.requests: list[str] = []
        self.jobs: list[tuple[str, User]] = []
        self.credited: Counter[int] = Counter()

    @property
    def ctx(self) -> Context:
        """The node whose turn it is, now."""
        self.nodes.reverse()
        return replace(self.nodes[0], now=self.horde.clock.now)

    @initialize()
    def begins(self) -> None:
        self.horde.do(self.opens())

    async def opens(self) -> None:
        ctx = self.horde.clock.ctx
        self.people = [await anonymous(ctx), *[await user(ctx, f"U{has}", has=has) for has in STARTS]]
        self.admin = await user(ctx, "Admin", is_moderator=True, is_admin=True)
        self.nodes = [restarted(ctx), restarted(ctx)]

    @rule(who=PEOPLE, n=st.integers(1, 5))
    def submits(self, who: int, n: int) -> None:
        if request_id := self.horde.do(asked(self.ctx, self.people[who], n=n)):
            self.requests.append(request_id)

    @rule(who=PEOPLE, author=PEOPLE, n=st.integers(1, 5))
    def submits_in_a_style(self, who: int, author: int, n: int) -> None:
        use = StyleUse(style_id=STYLE, kind="image", owner_id=self.people[author].id)
        if accepted := self.horde.do(submit(self.ctx, self.people[who], draft(n=n), style=use)):
            self.requests.append(accepted.id)

    @rule(who=PEOPLE, amount=st.integers(1, 3), keeps=st.integers(0, 3), says_what_it_has=st.booleans())
    def pops(self, who: int, amount: int, keeps: int, says_what_it_has: bool) -> None:
        owner = self.people[who]
        held = frozenset(job_id for job_id, _ in self.jobs[-keeps:]) if says_what_it_has else None
        call = ask(f"Worker of {owner.id}", amount=amount, held_jobs=held)
        answer = self.horde.do(pop(self.ctx, owner, call))
        if isinstance(answer, Popped):
            self.jobs += [(job_id, owner) for job_id in answer.job_ids]

    @rule(which=st.integers(0, 5), state=STATES)
    def delivers(self, which: int, state: str) -> None:
        if job := self.job(which):
            self.deliver(*job, state)

    @rule(asking=PEOPLE, serving=PEOPLE, ends=st.lists(ENDS, min_size=1, max_size=4))
    def asks_and_is_served(self, asking: int, serving: int, ends: list[str]) -> None:
        self.submits(asking, len(ends))
        for end in ends:
            had = len(self.jobs)
            self.pops(serving, 1, 0, False)
            if len(self.jobs) > had:
                job_id, owner = self.jobs[-1]
                if end == "fault":
                    self.horde.do(report_fault(self.ctx, owner, job_id))
                elif end != "nothing":
                    self.deliver(job_id, owner, end)

    def deliver(self, job_id: str, owner: User, state: str) -> None:
        if paid := self.horde.do(deliver(self.ctx, owner, delivery(job_id, state=state))):
            self.credited[owner.id] += paid.credited_mk

    @rule(which=st.integers(0, 5), times=st.integers(2, 3))
    def delivers_at_once(self, which: int, times: int) -> None:
        if job := self.job(which):
            job_id, owner = job
            for paid in self.horde.do(together(deliver, self.ctx, self.ctx, owner, delivery(job_id), times)):
                self.credited[owner.id] += paid.credited_mk

    @rule(giver=PEOPLE, taker=PEOPLE, amount=st.sampled_from([1, 10, 30, 500, 2000]))
    def gives(self, giver: int, taker: int, amount: int) -> None:
        self.horde.do(transfer(self.ctx, self.people[giver], self.people[taker].alias, amount))

    @rule(giver=st.integers(1, 3), takers=st.lists(PEOPLE, min_size=2, max_size=5))
    def gives_all_at_once(self, giver: int, takers: list[int]) -> None:
        self.horde.do(self.gives_what_there_is(self.ctx, self.ctx, self.people[giver], takers))

    async def gives_what_there_is(self, ctx: Context, other: Context, giver: User, takers: list[int]) -> None:
        there_is = (await purse(ctx, giver)).available // KUDOS_SCALE
        calls = [
            transfer(node, giver, self.people[taker].alias, max(there_is, 1))
            for taker in takers
            for node in (ctx, other)
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(answer, EXPECTED) for answer in answers if isinstance(answer, BaseException)), answers
        assert sum(not isinstance(answer, BaseException) for answer in answers) <= 1, "it was given twice"

    @rule(taker=PEOPLE, amount=st.integers(1, 300))
    def awards(self, taker: int, amount: int) -> None:
        self.horde.do(award(self.ctx, self.admin, self.people[taker].alias, amount))

    @rule(taker=PEOPLE, amount=st.integers(-300_000, 300_000))
    def grants(self, taker: int, amount: int) -> None:
        changes = Changes(by_admin=AdminChanges(kudos=Kudos(amount)))
        self.horde.do(change_user(self.ctx, self.admin, self.people[taker], changes))

    @rule(taker=st.integers(1, 3), is_trusted=st.booleans())
    def trusts(self, taker: int, is_trusted: bool) -> None:
        changes = Changes(by_moderator=ModeratorChanges(is_trusted=is_trusted))
        self.horde.do(change_user(self.ctx, self.admin, self.people[taker], changes))

    @rule(who=PEOPLE)
    def stays(self, who: int) -> None:
        owner = self.people[who]
        for _ in range(3):
            self.horde.clock.move(seconds=250)
            self.horde.do(check_in(self.ctx, owner, said(f"Worker of {owner.id}")))

    @rule(which=st.integers(0, 5))
    def faults(self, which: int) -> None:
        if job := self.job(which):
            self.horde.do(report_fault(self.ctx, job[1], job[0]))

    @rule(which=st.integers(0, 5))
    def cancels(self, which: int) -> None:
        if self.requests:
            self.horde.do(cancel(self.ctx, self.requests[-1 - which % len(self.requests)], kind="image"))

    @rule(seconds=st.sampled_from([1, 30, 200, 1500]))
    def waits(self, seconds: int) -> None:
        self.horde.clock.move(seconds=seconds)

    @rule()
    def sweeps(self) -> None:
        self.horde.do(return_late_jobs(self.ctx))
        self.horde.do(forget_expired(self.ctx))
        self.horde.do(promote(self.ctx))
        self.horde.do(pay_monthly(self.ctx))

    @rule()
    def restarts(self) -> None:
        self.nodes[0] = restarted(self.nodes[0])

    @invariant()
    def books_agree(self) -> None:
        if self.people:
            self.horde.do(self.checks())

    async def checks(self) -> None:
        await books_agree(self.horde.clock.ctx)
        rows = await look(self.horde.clock.ctx, EARNED, users=[person.id for person in self.people[1:]])
        paid = {owner: mk for owner, mk in self.credited.items() if mk and owner}
        assert {row["user_id"]: row["earned_mk"] for row in rows} == paid

    def job(self, which: int) -> tuple[str, User] | None:
        """One of those handed out last."""
        return self.jobs[-1 - which % len(self.jobs)] if self.jobs else None

    def teardown(self) -> None:
        self.horde.do(self.ends())

    async def ends(self) -> None:
        self.horde.clock.move(hours=1)
        await return_late_jobs(self.horde.clock.ctx)
        await change(self.horde.clock.ctx, SETTLED)
        await forget_expired(self.horde.clock.ctx)
        await books_agree(self.horde.clock.ctx)
        assert isinstance(await verify_books(self.horde.clock.ctx.database), Sums)
        held = await look(self.horde.clock.ctx, "SELECT user_id FROM ledger_accounts WHERE held_mk <> 0")
        assert held == [], "everything was finished, refunded or is over, so nothing is held"


EARNED = """
SELECT user_id, sum(earned_mk - uptime_mk)::bigint AS earned_mk
FROM workers
WHERE user_id = ANY($1::bigint[])
GROUP BY user_id
HAVING sum(earned_mk - uptime_mk) > 0
"""


def restarted(ctx: Context) -> Context:
    """A node that remembers nothing."""
    return replace(ctx, services=replace(ctx.services, batches=Batches(), memory=Memory()))


async def together(
    verb: Callable[..., Coroutine[Any, Any, Any]], ctx: Context, other: Context, owner: User, what: Any, times: int
) -> list[Any]:
    """The answers that are not refusals to the same call, made so often at once on two nodes."""
    calls = [verb(node, owner, what) for _ in range(times) for node in (ctx, other)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(answer, EXPECTED) for answer in answers if isinstance(answer, BaseException)), answers
    return [answer for answer in answers if not isinstance(answer, BaseException)]


def test_books_agree_after_every_step_of_any_walk(horde_for_walks: Horde) -> None:
    stateful.run_state_machine_as_test(
        type("WalkHere", (Walk,), {"horde": horde_for_walks}),
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
