"""The live screen of a worker in its owner's terminal: what it does, earns and lacks."""

from __future__ import annotations

import collections
import io
from datetime import datetime
from types import TracebackType
from typing import TextIO, cast

import structlog
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from horde.worker import gpu
from horde.worker.control import Job, State
from horde.worker.main import Team
from horde.worker.state import state_of

LOOKS_PER_S = 4
LINES_SHOWN = 8
BAR_WIDTH = 24
SKIPPED_SHOWN = 5


class Screen:
    """Takes the terminal and the log lines for as long as the context."""

    def __init__(self, team: Team, console: Console | None = None) -> None:
        self._team = team
        self._lines = _LastLines()
        self._live = Live(
            get_renderable=self._drawn,
            console=console or Console(stderr=True),
            refresh_per_second=LOOKS_PER_S,
            transient=True,
        )

    def __enter__(self) -> Screen:
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(cast("TextIO", self._lines)))
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        for line in self._lines.last:
            self._live.console.print(Text.from_ansi(line))

    def _drawn(self) -> RenderableType:
        team = self._team
        now = datetime.now().astimezone()
        state = state_of(team.owner.settings, list(team.backends.items()), team.tally, team.tally.paused_for, now)
        return drawn(state, gpu.seen(), list(self._lines.last))


def drawn(state: State, gpus: list[gpu.Gpu], lines: list[str]) -> RenderableType:
    """One picture of the screen."""
    title = f"{state.name} → {state.horde}"
    doing = f"paused: {state.paused_for}" if state.paused_for else "taking work"
    head = Text(f"{doing} · {state.backend}: {', '.join(state.models) or 'no models'}", overflow="ellipsis")
    sums = Text(
        f"today {state.done_today:,} done, {state.faults_today:,} faults, {state.kudos_today:,.1f} kudos"
        f" · {state.kudos_per_hour:,.1f} kudos in the last hour"
    )
    parts: list[RenderableType] = [head, sums]
    parts += [Text(one.in_words()) for one in gpus]
    parts.append(_jobs(state.jobs) if state.jobs else Text("no job now", style="dim"))
    if state.skipped:
        most = collections.Counter(state.skipped).most_common(SKIPPED_SHOWN)
        why = ", ".join(f"{key} {count:,}" for key, count in most)
        parts.append(Text(f"requests that wait for something this worker does not do: {why}", style="dim"))
    if state.last_fault:
        parts.append(Text(f"last fault: {state.last_fault}", style="red"))
    return Group(Panel(Group(*parts), title=title, title_align="left"), *(Text.from_ansi(line) for line in lines))


def _jobs(jobs: list[Job]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for job in jobs:
        many = f" ×{job.jobs}" if job.jobs > 1 else ""
        bar = ProgressBar(total=1.0, completed=job.share, width=BAR_WIDTH)
        table.add_row(job.stage, bar, f"{job.share:4.0%}", f"{job.seconds:5.0f} s", f"{job.about}{many}")
    return table


class _LastLines(io.TextIOBase):
    """A file that remembers the last lines written to it."""

    def __init__(self) -> None:
        self.last: collections.deque[str] = collections.deque(maxlen=LINES_SHOWN)

    def write(self, text: str) -> int:
        self.last.extend(line for line in text.splitlines() if line)
        return len(text)
