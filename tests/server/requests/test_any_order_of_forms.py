"""Whatever happens in whatever order to forms beside pictures: none is made twice, and every kudos is accounted for."""

from typing import Any

from hypothesis import HealthCheck, settings, stateful
from hypothesis import strategies as st
from hypothesis.stateful import rule

from horde.server.accounts.users import User
from horde.server.requests.deliver import report_fault
from horde.server.requests.groups import cancel_group
from tests.server.agreement import books_agree
from tests.server.builders import look
from tests.server.requests.alchemy import FORMS, asked, delivered, taken
from tests.server.requests.test_any_order import PEOPLE, Horde, Walk, horde_for_walks, together

__all__ = ["horde_for_walks"]

STEPS, WALKS = 25, 20
# What is held comes back to who serves himself: that is no pay.
PAID = """
SELECT w.id, w.earned_mk - w.uptime_mk AS earned_mk,
    coalesce(sum(p.spendable_mk + p.escrow_mk + p.held_mk), 0)::bigint AS paid_mk
FROM workers AS w
LEFT JOIN ledger_events AS e ON e.worker_id = w.id AND e.kind = 'job'
LEFT JOIN ledger_accounts AS a ON a.user_id = w.user_id
LEFT JOIN ledger_postings AS p ON p.event_seq = e.seq AND p.account_id = a.id
WHERE w.user_id <> 0
GROUP BY w.id
"""
# Each form that was asked for is waiting, running, over once, or given up; nothing of a group outlives it.
FORMS_MADE = """
SELECT r.id, count(j.id) FILTER (WHERE j.state = 'done') AS done, r.waiting, r.running
FROM requests AS r
LEFT JOIN jobs AS j ON j.request_id = r.id
WHERE r.group_id IS NOT NULL
GROUP BY r.id
"""


class WalkWithForms(Walk):
    """All that a walk can do, and alchemy."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[str] = []
        self.forms: list[tuple[str, User]] = []

    @rule(who=PEOPLE, names=st.lists(st.sampled_from(FORMS), min_size=0, max_size=4))
    def submits_forms(self, who: int, names: list[str]) -> None:
        if group_id := self.horde.do(asked(self.ctx, self.people[who], *names)):
            self.groups.append(group_id)

    @rule(who=PEOPLE, amount=st.integers(1, 4))
    def pops_forms(self, who: int, amount: int) -> None:
        owner = self.people[who]
        found = self.horde.do(taken(self.ctx, owner, amount, name=f"Alchemist of {owner.id}"))
        self.forms += [(job_id, owner) for form in found or [] for job_id in form.job_ids]

    @rule(which=st.integers(0, 5), times=st.integers(1, 2))
    def delivers_forms(self, which: int, times: int) -> None:
        if self.forms:
            job_id, owner = self.forms[-1 - which % len(self.forms)]
            self.horde.do(together(delivered, self.ctx, self.ctx, owner, job_id, times))

    @rule(which=st.integers(0, 5))
    def faults_forms(self, which: int) -> None:
        if self.forms:
            job_id, owner = self.forms[-1 - which % len(self.forms)]
            self.horde.do(report_fault(self.ctx, owner, job_id))

    @rule(which=st.integers(0, 3))
    def cancels_forms(self, which: int) -> None:
        if self.groups:
            self.horde.do(cancel_group(self.ctx, self.groups[-1 - which % len(self.groups)], kind="alchemy"))

    async def checks(self) -> None:
        ctx = self.horde.clock.ctx
        await books_agree(ctx)
        for worker in await look(ctx, PAID):
            assert worker["earned_mk"] == worker["paid_mk"], worker
        for form in await look(ctx, FORMS_MADE):
            assert form["done"] + form["waiting"] + form["running"] <= 1, form


def test_books_agree_after_every_step_of_any_walk_with_forms(horde_for_walks: Horde) -> None:
    cls: Any = type("WalkHere", (WalkWithForms,), {"horde": horde_for_walks})
    stateful.run_state_machine_as_test(
        cls,
        settings=settings(
            max_examples=WALKS,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
