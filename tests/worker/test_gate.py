"""When work is taken: not when the owner, the clock, the battery or another program says no."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from horde.environment import BadSetting
from horde.worker.gate import Gate
from horde.worker.owner import Owner
from horde.worker.settings import Settings
from horde.worker.tally import Doing, Tally
from horde.worker.work_hours import work_hours

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def gate_of(
    *,
    now: datetime = NOON,
    on_battery: bool = False,
    busy_percent: int = 0,
    tally: Tally | None = None,
    **fields: object,
) -> Gate:
    owner = Owner(Settings.from_environment({}, data=Path("unused"), **fields))
    return Gate(
        owner,
        tally or Tally(),
        now=lambda: now,
        is_on_battery=lambda: on_battery,
        gpu_busy_percent=lambda: busy_percent,
    )


def test_nothing_in_the_way_is_no_reason() -> None:
    assert gate_of().reason() == ""


def test_owner_pauses_it() -> None:
    gate = gate_of()
    gate.pause()

    assert gate.reason() == "the owner paused it"


def test_outside_its_hours_it_rests() -> None:
    assert gate_of(work_hours="22:00-07:00").reason() == "outside the hours 22:00-07:00"
    assert gate_of(work_hours="11:00-13:00").reason() == ""


def test_on_battery_it_rests_unless_the_owner_does_not_mind() -> None:
    assert gate_of(on_battery=True).reason() == "on battery"
    assert gate_of(on_battery=True, pause_on_battery=False).reason() == ""


def test_another_program_on_the_gpu_goes_first_if_the_owner_wants() -> None:
    assert gate_of(busy_percent=90, pause_when_gpu_used=True).reason() == "another program uses 90 % of the GPU"
    assert gate_of(busy_percent=90).reason() == ""
    assert gate_of(busy_percent=5, pause_when_gpu_used=True).reason() == ""


def test_its_own_jobs_are_no_other_program() -> None:
    tally = Tally()
    tally.doing[1] = Doing("image", "a robot", 1, NOON)

    assert gate_of(busy_percent=90, pause_when_gpu_used=True, tally=tally).reason() == ""


async def test_it_waits_until_the_reason_is_gone_and_tells_it_meanwhile() -> None:
    tally, told = Tally(), []
    owner = Owner(Settings.from_environment({}, data=Path("unused")))

    async def resume(_: float) -> None:
        told.append(tally.paused_for)
        gate.resume()

    gate = Gate(owner, tally, now=lambda: NOON, is_on_battery=lambda: False, sleep=resume)
    gate.pause()
    await gate.may_work()

    assert told == ["the owner paused it"]
    assert tally.paused_for == ""


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("22:00-07:00", time(23), True), ("22:00-07:00", time(6, 59), True), ("22:00-07:00", time(7), False),
        ("9:00-17:30", time(9), True), ("9:00-17:30", time(17, 30), False), ("", time(3), True),
        ("1:00-2:00, 3:00-4:00", time(3, 30), True), ("1:00-2:00,3:00-4:00", time(2, 30), False),
        ("22:00-24:00", time(23, 59), True), ("22:00-24:00", time(0), False),
    ],
)  # fmt: skip
def test_hours_of_the_day(text: str, at: time, expected: bool) -> None:
    assert work_hours(text).holds(at) is expected


@pytest.mark.parametrize("text", ["always", "22-7", "25:00-07:00", "22:60-23:00", "22:00"])
def test_what_are_no_hours_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadSetting, match="one looks like 22:00-07:00"):
        work_hours(text)
