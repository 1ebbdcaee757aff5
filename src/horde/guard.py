"""Runs one program so that it ends when we ask for it, and also when we are gone without asking.

Between us and the program stands a small process, the guard, which holds the reading end of a pipe:

    supervisor --pipe--> guard (session leader) --> program

Whoever closes the pipe asks for the end: `Guarded.stop` on purpose, the operating system when we were killed
with `kill -9`. The guard then sends the program its stop signal, waits a bounded time and kills it.

Why so: a pipe's end is seen on every system, also when the watched process gets no chance to act;
PR_SET_PDEATHSIG is Linux only and follows the thread, not the process, that started the child. A thread
inside the program cannot help a program that is not ours (PostgreSQL) or one that hangs in native code. The
guard costs about 40 ms and 9 MB. The session of its own keeps a terminal's Ctrl-C away, so that only the
supervisor hears it and can stop in order.

This file is started as a script by an isolated interpreter, so it imports nothing beyond the standard
library.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

KILL_MARGIN_S = 3.0
"""How much longer than the program's own grace we wait for the guard before the whole session is killed."""
POLL_S = 0.02
CANNOT_START = 127
"""Exit status of a guard whose program cannot be started, as in a shell."""
SIGNALLED = 128
"""A guard's exit status is this plus the signal that ended its program, as in a shell."""


class Guarded:
    """A program run under a guard, with all it prints appended to `log`; None: it goes on our stderr.

    `stop_signal` asks it to end; after `grace_s` seconds it is killed. It runs as the system account
    `account`, which only root can choose (empty: ours). It may be started again once it has ended.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path | None,
        grace_s: float,
        stop_signal: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
        account: str = "",
    ) -> None:
        self.command = tuple(command)
        self.log = log
        self.grace_s = grace_s
        self._environment = environment
        words = (str(grace_s), str(int(stop_signal)), account, *command)
        # -I and -S: no site-packages and no module of ours can be found, so it starts fast and cannot break.
        self._guard_command = (sys.executable, "-I", "-S", str(Path(__file__).resolve()), *words)
        self._guard: subprocess.Popen[bytes] | None = None
        self._is_swept = False

    def start(self) -> None:
        """Start the program, which must not be running."""
        assert self._guard is None or self._guard.poll() is not None, f"{self.command[0]} is running"
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        self._is_swept = False
        # Not by the name /dev/stderr: it cannot be opened where stderr is a socket, as it is under systemd.
        with self.log.open("ab") if self.log else os.fdopen(os.dup(2), "ab") as log:
            self._guard = subprocess.Popen(
                self._guard_command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                creationflags=flags,
            )

    def status(self) -> int | None:
        """None while it runs or was never started, then its exit status (128 + the signal that ended it)."""
        if self._guard is None or self._guard.poll() is None:
            return None
        self._sweep()
        return self._guard.returncode

    def stop(self, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Ask it to end and wait for that, at most its grace and a margin; nothing of it is left then.

        Safe to call twice, and when it never ran. `is_hurried` is asked again and again: once true, it is
        killed.
        """
        if self._guard is None:
            return
        self._close_pipe()
        deadline = time.monotonic() + self.grace_s + KILL_MARGIN_S
        while self._guard.poll() is None and time.monotonic() < deadline and not is_hurried():
            time.sleep(POLL_S)
        self._sweep()
        self._guard.wait()

    def _close_pipe(self) -> None:
        assert self._guard is not None
        assert self._guard.stdin is not None
        with contextlib.suppress(OSError):
            self._guard.stdin.close()

    def _sweep(self) -> None:
        """Kill what is left of the guard's process group: the program had children, or the guard was killed.

        Once only, at the moment its end is seen: later the group's number may belong to a stranger.
        """
        assert self._guard is not None
        if self._is_swept:
            return
        self._is_swept = True
        self._close_pipe()
        if sys.platform == "win32":
            self._guard.kill()
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._guard.pid, signal.SIGKILL)


def guard(arguments: Sequence[str]) -> int:
    """Run `grace, signal, account, program, words...` until it ends; this is the guard process itself."""
    grace_s, stop_signal, account, *command = arguments
    parent = os.getppid()
    is_asked = threading.Event()
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: is_asked.set())
    try:
        program = _started(command, account)
    except (OSError, KeyError) as error:
        sys.stderr.write(f"guard: cannot start {command[0]}: {error}\n")
        return CANNOT_START

    def wait_for_the_end_of_the_pipe() -> None:
        os.read(0, 1)
        is_asked.set()

    def stop_when_asked() -> None:
        is_asked.wait()
        # Windows has no such signals: there the program ends at once (PostgreSQL replays its journal then).
        program.send_signal(int(stop_signal) if sys.platform != "win32" else signal.SIGTERM)
        try:
            program.wait(float(grace_s))
        except subprocess.TimeoutExpired:
            program.kill()

    for task in (wait_for_the_end_of_the_pipe, stop_when_asked):
        threading.Thread(target=task, daemon=True).start()
    status = program.wait()
    if sys.platform != "win32" and os.getppid() != parent:
        # Nobody is left to sweep after us, so what the program left behind goes now, and we with it.
        os.killpg(0, signal.SIGKILL)
    return status if status >= 0 else SIGNALLED - status


def _started(command: Sequence[str], account: str) -> subprocess.Popen[bytes]:
    if sys.platform == "win32" or not account:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)
    import pwd  # not there on Windows

    group = pwd.getpwnam(account).pw_gid
    # The account may have no right to be where we are, so it begins at the root.
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, user=account, group=group, extra_groups=[], cwd="/")


if __name__ == "__main__":
    sys.exit(guard(sys.argv[1:]))
