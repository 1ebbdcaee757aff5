"""When a machine will be free for one more: by progress, else by what was usual on it."""

import pytest

from horde.worker.pace import Pace


def test_nobody_knows_before_the_first_job_is_made() -> None:
    pace = Pace()
    assert pace.free_s(0) == 0
    pace.begin("a", 0)
    assert pace.free_s(5) is None


def test_progress_tells_what_is_left() -> None:
    pace = Pace()
    pace.begin("a", 0)
    pace.progress("a", 0.25)

    assert pace.free_s(10) == pytest.approx(30)


def test_without_progress_the_usual_duration_counts_and_nothing_below_zero() -> None:
    pace = Pace()
    pace.begin("a", 0)
    pace.end("a", 8)
    pace.end("a", 80)
    pace.begin("b", 10)

    assert pace.free_s(13) == pytest.approx(5)
    assert pace.free_s(100) == 0


def test_usual_duration_follows_what_jobs_take_now() -> None:
    pace = Pace()
    for number in range(20):
        pace.begin(number, 0)
        pace.end(number, 100 if number < 5 else 1)
    pace.begin("next", 0)

    assert pace.free_s(0) == pytest.approx(1, abs=1)


def making(pace: Pace, shares: dict[int, float]) -> None:
    """One batch on each machine, so far made since 0."""
    for machine, share in shares.items():
        pace.begin(machine, 0)
        pace.progress(machine, share, machine)


def test_first_of_several_machines_counts_and_one_that_does_nothing_is_free_now() -> None:
    pace = Pace()
    making(pace, {0: 0.5, 1: 0.9})

    assert pace.free_s(9, machines=2) == pytest.approx(1)
    assert pace.free_s(9, machines=3) == 0


def test_those_that_wait_take_the_machines_that_are_free_first() -> None:
    pace = Pace()
    making(pace, {0: 0.9, 1: 0.5, 2: 0.1})

    assert [pace.free_s(9, machines=3, waiting=waiting) for waiting in range(3)] == pytest.approx([1, 9, 81])


def test_machine_that_a_waiting_one_takes_is_free_again_after_what_is_usual_on_it() -> None:
    pace = Pace()
    for machine, usual_s in enumerate((2, 100)):
        pace.begin(machine, 0)
        pace.progress(machine, 1.0, machine)
        pace.end(machine, usual_s)
    making(pace, {0: 0.5, 1: 0.1})

    assert [pace.free_s(1, machines=2, waiting=waiting) for waiting in range(5)] == pytest.approx([1, 3, 5, 7, 9])
    pace.end(0, 1)
    making(pace, {0: 0.1, 1: 0.5})
    assert pace.free_s(1, machines=2, waiting=1) == pytest.approx(9)


def test_machine_that_has_gone_makes_no_room_when_its_batch_ends() -> None:
    pace = Pace()
    making(pace, {0: 0.9, 1: 0.5})

    assert pace.free_s(9, machines=1) == pytest.approx(9)
