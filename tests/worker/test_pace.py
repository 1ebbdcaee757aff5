"""When the machine will be free again: by progress, else by what was usual."""

import pytest

from horde.worker.pace import Pace


def test_nobody_knows_before_the_first_job_is_made() -> None:
    pace = Pace()
    assert pace.left_s(0) == 0  # nothing is made, so the machine is free
    pace.begin("a", 0)
    assert pace.left_s(5) is None


def test_progress_tells_what_is_left() -> None:
    pace = Pace()
    pace.begin("a", 0)
    pace.progress("a", 0.25)

    assert pace.left_s(10) == pytest.approx(30)


def test_without_progress_the_usual_duration_counts_and_nothing_below_zero() -> None:
    pace = Pace()
    pace.begin("a", 0)
    pace.end("a", 8)
    pace.end("a", 80)
    pace.begin("b", 10)

    assert pace.left_s(13) == pytest.approx(5)
    assert pace.left_s(100) == 0


def test_usual_duration_follows_what_jobs_take_now() -> None:
    pace = Pace()
    for number in range(20):
        pace.begin(number, 0)
        pace.end(number, 100 if number < 5 else 1)
    pace.begin("next", 0)

    assert pace.left_s(0) == pytest.approx(1, abs=1)


def test_next_turn_is_when_the_first_is_made_and_the_one_after_it_when_the_second_is() -> None:
    pace = Pace()
    for key, share in (("a", 0.5), ("b", 0.9), ("c", 0.0)):
        pace.begin(key, 0)
        pace.progress(key, share)

    assert pace.left_s(9, at_once=3) == pytest.approx(1)
    assert pace.left_s(9, at_once=3, waiting=1) == pytest.approx(9)
    assert pace.left_s(9, at_once=3, waiting=2) is None


def test_who_waits_takes_as_long_as_is_usual() -> None:
    pace = Pace()
    pace.begin("a", 0)
    pace.end("a", 8)
    pace.begin("b", 10)

    assert [pace.left_s(13, waiting=waiting) for waiting in (0, 1, 2)] == [5, 13, 21]
    assert [pace.left_s(13, at_once=2, waiting=waiting) for waiting in (0, 1, 2)] == [0, 5, 8]
