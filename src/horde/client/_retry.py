"""When a call is made again, and after what pause. Only calls that may be repeated come here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

import stamina

from horde.errors import HordeError

RETRY_AFTER_S_MAX = 60.0
"""A server that wants a longer pause than this gets none: the caller hears of it instead."""


class Failed(Exception):
    """One attempt that brought no value. Callers never see it, only its `error`."""

    def __init__(self, error: HordeError, *, status: int = 0, retry_after_s: float | None = None) -> None:
        super().__init__(error.message)
        self.error = error
        self.status = status
        """0: there was no answer at all."""
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How patient a client is with a server that is away or busy. It stops at whichever bound comes first."""

    attempts: int | None = 10
    """None: no bound."""
    total_s: float | None = 60.0
    """None: no bound. A restart of a server should fit in."""
    pause_s_min: float = 0.25
    pause_s_max: float = 8.0
    """Pauses double from the shortest to the longest, with a jitter so that not all clients come back at once."""
    statuses: frozenset[int] = frozenset({429, 502, 503, 504})
    """Answers that speak of now, not of the call."""

    def pause(self, failed: Exception) -> bool | float:
        """False: do not try again. True: after the usual pause. A number: after as many seconds, as the server said."""
        if not isinstance(failed, Failed):
            return False
        if failed.status not in {0, *self.statuses}:
            return False
        if failed.retry_after_s is None:
            return True
        return failed.retry_after_s if failed.retry_after_s <= RETRY_AFTER_S_MAX else False

    def caller(self) -> stamina.RetryingCaller:
        """Makes a call again and again, as far as `pause` lets it."""
        return stamina.RetryingCaller(**self._bounds())

    def async_caller(self) -> stamina.AsyncRetryingCaller:
        """The same for calls that are awaited."""
        return stamina.AsyncRetryingCaller(**self._bounds())

    def _bounds(self) -> _Bounds:
        return {
            "attempts": self.attempts,
            "timeout": self.total_s,
            "wait_initial": self.pause_s_min,
            "wait_max": self.pause_s_max,
            "wait_jitter": self.pause_s_min,
        }


class _Bounds(TypedDict):
    attempts: int | None
    timeout: float | None
    wait_initial: float
    wait_max: float
    wait_jitter: float
