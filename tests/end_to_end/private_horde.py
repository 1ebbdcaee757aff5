"""A `horde up` (or `horde serve`) as a person starts it: a process of its own, spoken to by signals and words."""

import fcntl
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tests.plugins.data_dirs import living, still_running, words_of

LAST_LINE = "Ctrl-C stops it"
HORDE = [sys.executable, "-m", "horde.cli.main"]
END_S_MAX = 30.0
LIFE_S_MAX = 60.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def environment_for(mark: str, **variables: str) -> dict[str, str]:
    """Ours without any setting of a horde, and with a mark that all descendants inherit."""
    ours = {
        name: value for name, value in os.environ.items() if not name.startswith("HORDE_") and name != "DATABASE_URL"
    }
    return {**ours, "MARK_OF_THE_TEST": mark, **variables}


class PrivateHorde:
    """One run of a command in a data directory. Leaving the context kills whatever is left of it."""

    def __init__(self, data_dir: Path, *words: str, command: str = "up", port: int = 0, **variables: str) -> None:
        self.data_dir = data_dir
        self.port = port or free_port()
        self.mark = f"{data_dir} at {self.port}"
        self.url = f"http://127.0.0.1:{self.port}"
        self.words = [*HORDE, command, "--data", str(data_dir), "--port", str(self.port), *words]
        # `horde up` has no limits by itself, and a crowd of one address would run into those of `horde serve`.
        unlimited = {"HORDE_RATE_LIMITS": "off"} if command == "serve" else {}
        self._environment: Mapping[str, str] = environment_for(self.mark, **unlimited, **variables)

    def __enter__(self) -> Self:
        self.process = self._start()
        # Reading what a process says has no time limit of its own; the end of the process ends it.
        self._watchdog = threading.Timer(LIFE_S_MAX, self.process.kill)
        self._watchdog.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watchdog.cancel()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        still_running(living(self.mark))

    def until_stdout_says(self, words: str) -> str:
        """Read stdout up to the line with these words, and return what was read."""
        return self._read(self.process.stdout, words)

    def until_stderr_says(self, words: str) -> str:
        """Read stderr up to the line with these words, and return what was read."""
        return self._read(self.process.stderr, words)

    def until_up(self) -> str:
        """The summary that tells a person what to do."""
        return self.until_stdout_says(LAST_LINE)

    def send(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; the exit status, and what was left to read of stderr."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        """Wait for the end; the exit status, and what was left to read of stderr."""
        _, stderr = self.process.communicate(timeout=END_S_MAX)
        return self.process.returncode, stderr

    def child(self, word: str) -> psutil.Process:
        """The process of the part that has this word on its command line (`serve`, `worker`, `postgres`).

        Waits for it while the horde lives: after a kill the next one may not have started yet.
        """
        while self.process.poll() is None:
            for process in living(self.data_dir):
                words = words_of(process)
                if "guard.py" not in " ".join(words) and any(Path(part).name == word for part in words):
                    return process
        raise AssertionError(f"the horde ended, and no {word} runs: {self.ended()}")

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.words, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _read(self, stream: object, words: str) -> str:
        assert hasattr(stream, "readline")
        read = ""
        while words not in read:
            line = stream.readline()
            assert line, f"ended before it said {words!r}: {read}{self.ended()}"
            read += line
        return read


class AtTerminal(PrivateHorde):
    """The same at a terminal of its own, whose keys can be pressed and which can be closed."""

    def until_up(self) -> str:
        """What stood on the screen when it was up."""
        shown = ""
        while LAST_LINE not in shown:
            shown += os.read(self._keyboard, 4096).decode()
        return shown

    def press_ctrl_c(self) -> None:
        os.write(self._keyboard, b"\x03")

    def close(self) -> None:
        os.close(self._keyboard)

    def screen_to_the_end(self) -> str:
        """What the screen shows until the last process has left the terminal."""
        shown = ""
        while True:
            try:
                shown += os.read(self._keyboard, 4096).decode()
            except OSError:  # how Linux tells that nobody is at the other side any more
                return shown

    def _start(self) -> subprocess.Popen[str]:
        self._keyboard, screen = pty.openpty()
        process = subprocess.Popen(
            self.words,
            env=self._environment,
            stdin=screen,
            stdout=screen,
            stderr=screen,
            text=True,
            start_new_session=True,
            # Only the child itself can make the terminal its own; what it calls takes no lock.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509
        )
        os.close(screen)
        return process


def assert_clear_refusal(stderr: str, *words: str) -> None:
    """One line that says what happened, a blank line, and a hint."""
    lines = [line for line in stderr.splitlines() if not line.startswith("starting ")]
    assert len(lines) == 3, stderr
    error, blank, hint = lines
    assert error.startswith("error: ")
    assert blank == ""
    assert re.match(r"hint: .+", hint)
    for word in words:
        assert word in error
