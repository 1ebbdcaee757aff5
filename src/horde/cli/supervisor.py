"""Keeps the processes of one machine's horde running, and ends them in order.

What dies is started again, after a delay that doubles with each early death. Something that keeps dying ends
the whole: a horde that only seems to run is worse than one that says why it stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from horde import logfile
from horde.cli.output import FAILED, CommandFailed, say

DELAY_S_FIRST = 1.0
DELAY_S_MAX = 30.0
STEADY_S = 60.0
"""Who ran this long before it died is started again as if it were the first time."""
DEATHS_MAX = 8
"""Early deaths in a row, a minute and a half of trying, after which we give up."""
LINES_QUOTED = 8


class Member(Protocol):
    """One process of the horde."""

    @property
    def name(self) -> str:
        """What to call it in front of a person."""

    @property
    def log(self) -> Path:
        """Where its output goes."""

    def start(self) -> None:
        """Start it, again too; raises CommandFailed where that cannot be done now."""

    def status(self) -> int | None:
        """None while it runs, then its exit status."""

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """End it within a bounded time; safe to call when it does not run."""


class _Watched:
    """What the supervisor remembers of a member."""

    def __init__(self, member: Member, now: float) -> None:
        self.member = member
        self.started = now
        self.deaths = 0
        self.restart_at: float | None = None


class Supervisor:
    """The running members, in the order of their start; each needs those before it."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def start(self, member: Member, now: float) -> None:
        """Start a member and watch it from now on."""
        self._watched.append(_Watched(member, now))
        member.start()

    def watch_once(self, now: float) -> None:
        """Start again who died and whose delay is over; raises CommandFailed when somebody keeps dying."""
        for watched in self._watched:
            logfile.bound(watched.member.log)
            if watched.restart_at is None:
                if (status := watched.member.status()) is not None:
                    self._died(watched, f"ended unexpectedly (status {status})", now)
            elif now >= watched.restart_at:
                self._restart(watched, now)

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """End every member, the last started first; safe to call twice, or half-started."""
        while self._watched:
            self._watched.pop().member.stop(is_hurried)

    def _restart(self, watched: _Watched, now: float) -> None:
        watched.restart_at = None
        watched.started = now
        try:
            watched.member.start()
        except CommandFailed as failure:
            self._died(watched, f"cannot be started again: {failure.message}", now)

    def _died(self, watched: _Watched, what: str, now: float) -> None:
        watched.deaths = 1 if now - watched.started >= STEADY_S else watched.deaths + 1
        name = watched.member.name
        if watched.deaths >= DEATHS_MAX:
            raise CommandFailed(
                f"the {name} {what}, {watched.deaths} times in a row{quoted(watched.member.log)}",
                hint=f"{watched.member.log} says more",
                status=FAILED,
            )
        delay_s = min(DELAY_S_MAX, DELAY_S_FIRST * 2 ** (watched.deaths - 1))
        watched.restart_at = now + delay_s
        say(f"the {name} {what}; starting it again in {delay_s:.0f} s (its log: {watched.member.log})")


def quoted(log: Path) -> str:
    """The last lines of a log, to stand below the sentence that says what happened."""
    lines = [line for line in logfile.last_lines(log, LINES_QUOTED) if line.strip(" ^~")]
    return "".join(f"\n  | {line}" for line in lines)
