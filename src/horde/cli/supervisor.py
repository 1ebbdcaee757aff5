"""Keeps the processes of one machine's horde running, and ends them in order.

What dies is started again, after a delay that doubles with each early death. Something that keeps dying ends
the whole: a horde that only seems to run is worse than one that says why it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
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
    def log(self) -> Path | None:
        """Where its output goes; None: it stands among ours."""

    def start(self) -> None:
        """Start it, again too; raises CommandFailed where that cannot be done now."""

    def status(self) -> int | None:
        """None while it runs, then its exit status."""

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """End it within a bounded time; safe to call when it does not run."""


class _Watched:
    """What the supervisor remembers of a member."""

    def __init__(self, member: Member, now: float, delay_s_first: float) -> None:
        self.member = member
        self.started = now
        self.delay_s_first = delay_s_first
        self.deaths = 0
        self.restart_at: float | None = None


class Supervisor:
    """The running members, in the order of their start; each needs those before it, but not its peers."""

    def __init__(self) -> None:
        self._ranks: list[list[_Watched]] = []

    def start(self, member: Member, now: float) -> None:
        """Start a member and watch it from now on."""
        self.start_peers([member], now)

    def start_peers(self, members: Sequence[Member], now: float, *, delay_s_first: float = DELAY_S_FIRST) -> None:
        """Start members that do not need each other, watch them from now on and stop them at one time.

        `delay_s_first` is how long one stays away after its first death, or its first after a steady life. It may
        be short, for one death is no loop; from the second early death on the delay is everybody's.
        """
        rank: list[_Watched] = []
        self._ranks.append(rank)
        for member in members:
            rank.append(_Watched(member, now, delay_s_first))
            member.start()

    def watch_once(self, now: float) -> None:
        """Start again who died and whose delay is over; raises CommandFailed when somebody keeps dying."""
        for watched in (watched for rank in self._ranks for watched in rank):
            if watched.member.log:
                logfile.bound(watched.member.log)
            if watched.restart_at is None:
                if (status := watched.member.status()) is not None:
                    self._died(watched, f"ended unexpectedly (status {status})", now)
            elif now >= watched.restart_at:
                self._restart(watched, now)

    def stop(self, is_hurried: Callable[[], bool]) -> None:
        """End every member, the last started first, peers together; safe to call twice, or half-started."""
        while self._ranks:
            rank = self._ranks.pop()
            # One after the other, each could take its whole grace.
            with ThreadPoolExecutor(max(1, len(rank))) as together:
                for ending in [together.submit(watched.member.stop, is_hurried) for watched in rank]:
                    ending.result()

    def _restart(self, watched: _Watched, now: float) -> None:
        watched.restart_at = None
        watched.started = now
        try:
            watched.member.start()
        except CommandFailed as failure:
            self._died(watched, f"cannot be started again: {failure.message}", now)

    def _died(self, watched: _Watched, what: str, now: float) -> None:
        watched.deaths = 1 if now - watched.started >= STEADY_S else watched.deaths + 1
        name, log = watched.member.name, watched.member.log
        if watched.deaths >= DEATHS_MAX:
            raise CommandFailed(
                f"the {name} {what}, {watched.deaths} times in a row{quoted(log)}",
                hint=where_more(log),
                status=FAILED,
            )
        delay_s = min(DELAY_S_MAX, DELAY_S_FIRST * 2 ** (watched.deaths - 1))
        if watched.deaths == 1:
            delay_s = watched.delay_s_first
        watched.restart_at = now + delay_s
        its_log = f" (its log: {log})" if log else ""
        say(f"the {name} {what}; starting it again in {delay_s:g} s{its_log}")


def where_more(log: Path | None) -> str:
    """A hint where to read on."""
    return f"{log} says more" if log else "what it printed stands above"


def quoted(log: Path | None) -> str:
    """The last lines of a log, to stand below the sentence that says what happened; nothing without a log."""
    if log is None:
        return ""
    lines = [line for line in logfile.last_lines(log, LINES_QUOTED) if line.strip(" ^~")]
    return "".join(f"\n  | {line}" for line in lines)
