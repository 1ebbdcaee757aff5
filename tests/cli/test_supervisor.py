"""The supervisor: who dies comes back, later each time; who keeps dying ends the whole."""

from collections.abc import Callable
from pathlib import Path

import pytest

from horde.cli.output import FAILED, CommandFailed
from horde.cli.supervisor import DEATHS_MAX, DELAY_S_FIRST, DELAY_S_MAX, STEADY_S, Supervisor


class Puppet:
    """A member that lives and dies as the test says."""

    def __init__(self, name: str, diary: list[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.exit_status: int | None = None
        self.is_startable = True
        self._diary = diary

    def start(self) -> None:
        self._diary.append(f"{self.name} starts")
        if not self.is_startable:
            raise CommandFailed("no")
        self.exit_status = None

    def status(self) -> int | None:
        return self.exit_status

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        self._diary.append(f"{self.name} stops{' quickly' if is_hurried() else ''}")


@pytest.fixture
def diary() -> list[str]:
    return []


@pytest.fixture
def puppet(diary: list[str], tmp_path: Path) -> Puppet:
    return Puppet("server", diary, tmp_path / "server.log")


@pytest.fixture
def supervisor(puppet: Puppet, diary: list[str]) -> Supervisor:
    supervisor = Supervisor()
    supervisor.start(puppet, 0)
    diary.clear()
    return supervisor


def test_dead_member_comes_back_after_the_first_delay(
    supervisor: Supervisor, puppet: Puppet, diary: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    puppet.exit_status = 9
    supervisor.watch_once(100)
    supervisor.watch_once(100 + DELAY_S_FIRST / 2)
    assert diary == []

    supervisor.watch_once(100 + DELAY_S_FIRST)

    assert diary == ["server starts"]
    assert "the server ended unexpectedly (status 9); starting it again in 1 s" in capsys.readouterr().err


def delays(supervisor: Supervisor, puppet: Puppet, diary: list[str], *, life_s: float, deaths: int) -> list[float]:
    """How long each death kept the member away, in the supervisor's own ticks of a quarter second."""
    now, waited = 100.0, []
    for _ in range(deaths):
        puppet.exit_status = 1
        now += life_s
        supervisor.watch_once(died := now)
        while not diary:
            supervisor.watch_once(now := now + 0.25)
        diary.clear()
        waited.append(now - died)
    return waited


def test_delay_doubles_up_to_its_bound(supervisor: Supervisor, puppet: Puppet, diary: list[str]) -> None:
    waited = delays(supervisor, puppet, diary, life_s=0.5, deaths=DEATHS_MAX - 1)

    assert waited[:4] == [DELAY_S_FIRST, 2, 4, 8]
    assert waited[-1] == DELAY_S_MAX


def test_steady_life_is_forgiven(supervisor: Supervisor, puppet: Puppet, diary: list[str]) -> None:
    waited = delays(supervisor, puppet, diary, life_s=STEADY_S, deaths=DEATHS_MAX + 2)

    assert set(waited) == {DELAY_S_FIRST}


def test_member_that_keeps_dying_ends_the_whole_with_its_last_words(
    supervisor: Supervisor, puppet: Puppet, diary: list[str]
) -> None:
    puppet.log.write_text("many words\nout of memory\n")
    waited = delays(supervisor, puppet, diary, life_s=0.5, deaths=DEATHS_MAX - 1)
    puppet.exit_status = 1

    with pytest.raises(CommandFailed, match="8 times in a row") as raised:
        supervisor.watch_once(100 + sum(waited) + 0.5 * DEATHS_MAX)

    assert raised.value.message.endswith("\n  | many words\n  | out of memory")
    assert raised.value.status == FAILED
    assert str(puppet.log) in raised.value.hint


def test_start_that_fails_counts_as_a_death(supervisor: Supervisor, puppet: Puppet, diary: list[str]) -> None:
    puppet.exit_status = 1
    puppet.is_startable = False
    supervisor.watch_once(100)
    supervisor.watch_once(101)
    supervisor.watch_once(102)
    assert diary == ["server starts"]
    puppet.is_startable = True

    supervisor.watch_once(103)

    assert diary == ["server starts", "server starts"]


def test_the_last_started_stops_first_and_only_once(diary: list[str], tmp_path: Path) -> None:
    supervisor = Supervisor()
    for name in ("database", "server", "worker"):
        supervisor.start(Puppet(name, diary, tmp_path / f"{name}.log"), 0)
    diary.clear()

    supervisor.stop(lambda: True)
    supervisor.stop(lambda: True)

    assert diary == ["worker stops quickly", "server stops quickly", "database stops quickly"]


def test_member_whose_start_failed_is_stopped_too(puppet: Puppet, diary: list[str]) -> None:
    puppet.is_startable = False
    supervisor = Supervisor()
    with pytest.raises(CommandFailed):
        supervisor.start(puppet, 0)

    supervisor.stop(lambda: False)

    assert diary == ["server starts", "server stops"]
