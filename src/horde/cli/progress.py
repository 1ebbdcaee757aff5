"""Shows on stderr how far a request is: one line that changes on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.status import Status

from horde.cli.output import say
from horde.client import CheckAnswer


class ProgressLine:
    """Used as a context; `show` takes every look at the request."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._status = Status("asking", console=console) if console.is_terminal else None
        self._said = ""

    def show(self, progress: CheckAnswer) -> None:
        """Say where the request is now, when that is news."""
        if self._status is not None:
            self._status.update(f"{stage(progress)}{waiting_time(progress)}")
        elif (text := stage(progress)) != self._said:
            # Without the seconds, which change at every look.
            self._said = text
            say(text)

    def __enter__(self) -> ProgressLine:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.stop()


def stage(progress: CheckAnswer) -> str:
    """What happens with the request, without any time."""
    total = progress.finished + progress.processing + progress.waiting
    ready = f", {progress.finished} of {total} ready" if total > 1 else ""
    if progress.done:
        return f"done{ready}"
    if progress.processing:
        return f"being made{ready}"
    if not progress.is_possible:
        return f"no worker can make it now, waiting for one (Ctrl-C cancels){ready}"
    place = f", number {progress.queue_position} in the queue" if progress.queue_position else ""
    return f"waiting{place}{ready}"


def waiting_time(progress: CheckAnswer) -> str:
    """How long it may take, where there is something to tell."""
    return f", about {progress.wait_time} s" if progress.wait_time and progress.is_possible else ""
