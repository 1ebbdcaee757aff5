"""In simulated time, with the product's rules: nobody starves, everybody is served, and who is first goes first."""

import random
from pathlib import Path

import pytest

from benchmarks.simulation.demand import HUNDRED, SINGLES, draft
from benchmarks.simulation.horde import Horde, Plan
from benchmarks.simulation.queue import Waiting
from benchmarks.simulation.summary import Summary, summary, told
from horde.kinds import KINDS
from horde.server.matching.rules import can_serve
from horde.server.workers.online import Member

PLAN = Plan(workers=50, requests=2_000, sample=50)
CHECKED_EVERY = 7
"""Hand-outs of which one is held against all that waits: to look at all takes half a minute."""


@pytest.fixture(scope="module")
def run() -> Summary:
    horde = Horde(PLAN)
    horde.run()
    return summary(horde, wall_s=0.0)


def test_every_request_that_can_be_is_served(run: Summary) -> None:
    assert run.unserved == 0
    assert sum(many for _, many, _ in run.waits) == PLAN.requests - run.unservable


def test_nobody_starves(run: Summary) -> None:
    assert run.starved == 0


def test_workers_that_have_work_are_busy(run: Summary) -> None:
    assert run.waiting_most > 100
    assert run.utilisation > 0.7


def test_more_kudos_wait_less(run: Summary) -> None:
    means = [at[0] for _, _, at in run.waits]

    assert means == sorted(means, reverse=True)


def test_account_that_asks_for_a_hundred_waits_longer_than_a_hundred_that_ask_for_one(run: Summary) -> None:
    waits = {who: mean for who, mean, _ in run.probes}

    assert waits[SINGLES] < waits[HUNDRED]


def test_worker_gets_the_best_of_all_that_it_can_serve() -> None:
    hand_outs = 0

    def check(member: Member, taken: Waiting) -> None:
        nonlocal hand_outs
        hand_outs += 1
        if hand_outs % CHECKED_EVERY == 0:
            theirs = [one for one in horde.queue.waiting() if can_serve(member.offer, one.lane.needs)]
            assert taken in theirs
            assert taken.rank == max(one.rank for one in theirs)

    horde = Horde(PLAN, on_taken=check)
    horde.run()

    assert hand_outs > PLAN.requests


def test_idle_worker_is_woken_for_what_it_can_do() -> None:
    horde = Horde(Plan(workers=50, requests=300, load=0.05))
    waits = sorted(wait for waits in horde.run().waits for wait in waits)

    assert waits[len(waits) // 2] == 0.0


def test_same_seed_is_the_same_horde() -> None:
    first, again = (Horde(Plan(workers=20, requests=200)).run() for _ in range(2))

    assert first.waits == again.waits


def test_everything_asked_for_is_valid() -> None:
    drawn = random.Random(1)

    for _ in range(200):
        asked = draft(drawn)
        KINDS[asked.kind].check(asked)


def test_figures_are_told_with_the_standings(run: Summary) -> None:
    shown = told(run)

    assert "| anonymous |" in shown
    assert "**0**" in shown


def test_plot_of_the_same_figures_is_the_same_file(tmp_path: Path, run: Summary) -> None:
    pytest.importorskip("matplotlib")
    # Drawing is for those who have the development tools.
    from benchmarks.simulation.plot import plot

    for name in ("one.svg", "two.svg"):
        plot(tmp_path / name, [run], [run])

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
