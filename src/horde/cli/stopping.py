"""Hears the wish to stop, from the terminal or the system, and lets a command stop where it can clean up."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

WISHES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Ctrl-C, `kill`, a closed terminal, and Ctrl-Break on Windows."""
SLICE_S = 0.05
"""How long a wish may go unheard: a wait is made of slices, because Python resumes a sleep after a signal."""


class Stopped(Exception):
    """Somebody wishes that we stop; raised out of `Stopping.pause`, and only there."""


class Stopping:
    """Counts the wishes to stop. The first asks for an orderly end, the second for a quick one."""

    def __init__(self) -> None:
        self._wishes = 0

    @property
    def is_asked(self) -> bool:
        """Whether we shall stop."""
        return self._wishes > 0

    @property
    def is_hurried(self) -> bool:
        """Whether somebody asked again, being tired of waiting."""
        return self._wishes > 1

    def pause(self, seconds: float) -> None:
        """Wait, and raise Stopped as soon as somebody wishes that we stop."""
        deadline = time.monotonic() + seconds
        while not self.is_asked and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, SLICE_S))
        if self.is_asked:
            raise Stopped

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals for as long as the context; only the main thread may."""
        numbers = [getattr(signal, name) for name in WISHES if hasattr(signal, name)]
        before = {number: signal.signal(number, self._wish) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _wish(self, number: int, frame: FrameType | None) -> None:
        # Nothing but counting: a handler that raises can strike between two lines that belong together.
        self._wishes += 1
