"""The guard: what it runs ends when asked, when it must, and when nobody is left to ask."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from horde.guard import CANNOT_START, SIGNALLED, Guarded
from tests.plugins.data_dirs import living, still_running

READY = "import os, signal, subprocess, sys; ready = lambda: open(sys.argv[1], 'w').write(str(os.getpid()));"
OBEDIENT = READY + "ready(); signal.pause()"
STUBBORN = READY + "signal.signal(signal.SIGTERM, signal.SIG_IGN); ready();\nwhile True: signal.pause()"
PARENT = READY + "child = subprocess.Popen(['sleep', '60']); ready(); signal.pause()"
SHORT = READY + "print('the end is near', flush=True); ready(); sys.exit(7)"

OWNER = """
import sys
from pathlib import Path
from horde.guard import Guarded
guarded = Guarded(sys.argv[2:], log=Path(sys.argv[1]), grace_s=1)
guarded.start()
sys.stdin.read()
"""


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A pipe by name: reading it waits until the program has written its process id there."""
    path = tmp_path / "ready"
    os.mkfifo(path)
    return path


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "program.log"
    assert living(tmp_path) == []


def guarded(code: str, ready: Path, log: Path | None, grace_s: float = 20) -> Guarded:
    return Guarded([sys.executable, "-c", code, str(ready)], log=log, grace_s=grace_s)


def test_program_ends_by_the_signal_it_is_asked_with(ready: Path, log: Path) -> None:
    program = guarded(OBEDIENT, ready, log)
    program.start()
    ready.read_text()
    assert program.status() is None

    program.stop()

    assert program.status() == SIGNALLED + signal.SIGTERM


def test_program_that_does_not_obey_is_killed_after_its_grace(ready: Path, log: Path) -> None:
    program = guarded(STUBBORN, ready, log, grace_s=0.1)
    program.start()
    ready.read_text()

    program.stop()

    assert program.status() == SIGNALLED + signal.SIGKILL


def test_hurry_kills_at_once(ready: Path, log: Path) -> None:
    program = guarded(STUBBORN, ready, log, grace_s=3600)
    program.start()
    process = psutil.Process(int(ready.read_text()))

    program.stop(lambda: True)

    assert still_running([process]) == []


def test_children_of_the_program_end_with_it(ready: Path, log: Path) -> None:
    program = guarded(PARENT, ready, log)
    program.start()
    children = psutil.Process(int(ready.read_text())).children()
    assert children

    program.stop()

    assert still_running(children) == []


def test_program_that_ends_by_itself_is_seen_with_its_status_and_words(ready: Path, log: Path) -> None:
    program = guarded(SHORT, ready, log)
    program.start()
    process = psutil.Process(int(ready.read_text()))
    assert still_running([process]) == []

    program.stop()

    assert program.status() == 7
    assert log.read_text() == "the end is near\n"


def test_program_may_be_started_again(ready: Path, log: Path) -> None:
    program = guarded(SHORT, ready, log)
    for _ in range(2):
        program.start()
        ready.read_text()
        program.stop()

    assert log.read_text() == "the end is near\n" * 2


def test_program_that_cannot_be_started_says_so_in_the_log(log: Path) -> None:
    program = Guarded(["/nowhere/program"], log=log, grace_s=1)
    program.start()
    program.stop()

    assert program.status() == CANNOT_START
    assert "cannot start /nowhere/program" in log.read_text()


def test_killed_guard_takes_its_program_with_it(ready: Path, log: Path) -> None:
    program = guarded(PARENT, ready, log)
    program.start()
    process = psutil.Process(int(ready.read_text()))
    family = [process, *process.children()]
    guard = process.parent()
    assert guard is not None

    guard.kill()
    assert still_running([guard]) == []

    assert program.status() is not None
    assert still_running(family) == []


def test_killed_owner_takes_all_with_it_also_what_does_not_obey(ready: Path, log: Path) -> None:
    code = STUBBORN.replace("ready();", "child = subprocess.Popen(['sleep', '60']); ready();")
    program = [sys.executable, "-c", code, str(ready)]
    with subprocess.Popen([sys.executable, "-c", OWNER, str(log), *program], stdin=subprocess.PIPE) as owner:
        process = psutil.Process(int(ready.read_text()))
        guard = process.parent()
        assert guard is not None
        family = [process, guard, *process.children()]
        assert len(family) == 3

        owner.kill()

        assert still_running(family) == []


def test_terminal_reaches_neither_guard_nor_program(ready: Path, log: Path) -> None:
    """Ctrl-C goes to the terminal's process group, in which only the supervisor is."""
    program = guarded(OBEDIENT, ready, log)
    program.start()
    process_id = int(ready.read_text())

    assert os.getpgid(process_id) != os.getpgid(0)
    assert os.getsid(process_id) != os.getsid(0)
    program.stop()


def test_program_without_a_log_is_heard_on_our_stderr(ready: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program = guarded(SHORT, ready, None)
    program.start()
    ready.read_text()

    program.stop()

    assert capfd.readouterr() == ("", "the end is near\n")
