"""`horde worker status`, `pause`, `resume` and `stop`: the workers that run on this machine."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter

from horde.cli.output import FAILED, CommandFailed, answer
from horde.worker import control
from horde.worker.settings import Settings

Name = Annotated[str | None, Parameter(help="which one, where several run")]
AsJson = Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")]


def status(*, name: Name = None, as_json: AsJson = False) -> int:
    """Show what the workers on this machine do."""
    found = [where for where in _running() if name in (None, where.name)]
    if not found:
        raise _none(name)
    states = [_told(where, "status") for where in found]
    if as_json:
        answer(msgspec.json.encode(states).decode())
    else:
        answer("\n\n".join(_in_words(state) for state in states))
    return 0


def pause(*, name: Name = None) -> int:
    """Take no more work for now; what is begun is ended."""
    state = _told(_one(name), "pause")
    answer(f"{state.name} takes no more work; `horde worker resume` lets it go on")
    return 0


def resume(*, name: Name = None) -> int:
    """Take work again."""
    state = _told(_one(name), "resume")
    answer(f"{state.name} takes work again" + (f", but not now: {state.paused_for}" if state.paused_for else ""))
    return 0


def stop(*, name: Name = None) -> int:
    """End a worker in order: what is begun is ended first, or handed back."""
    answer(f"{_told(_one(name), 'stop').name} stops")
    return 0


def _running() -> list[control.Where]:
    return control.running(Settings.from_environment().data)


def _one(name: str | None) -> control.Where:
    found = [where for where in _running() if name in (None, where.name)]
    if not found:
        raise _none(name)
    if len(found) > 1:
        names = ", ".join(repr(where.name) for where in found)
        raise CommandFailed(f"{len(found)} workers run here: {names}", hint="name one with --name")
    return found[0]


def _none(name: str | None) -> CommandFailed:
    what = "no worker runs" if name is None else f"no worker {name!r} runs"
    return CommandFailed(f"{what} on this machine", hint="`horde worker` starts one.", status=FAILED)


def _told(where: control.Where, verb: control.Verb) -> control.State:
    try:
        return control.tell(where, verb)
    except OSError as error:
        raise CommandFailed(f"the worker {where.name!r} does not answer: {error}", status=FAILED) from error


def _in_words(state: control.State) -> str:
    lines = [
        f"{state.name} for {state.horde}, {state.backend}: {', '.join(state.models) or 'no models'}",
        f"  {f'paused: {state.paused_for}' if state.paused_for else 'taking work'}",
        f"  today {state.done_today} done, {state.faults_today} faults, {state.kudos_today:.2f} kudos;"
        f" {state.kudos_per_hour:.2f} kudos in the last hour",
    ]
    lines += [
        f"  {job.stage}: {job.about}{f' (x{job.jobs})' if job.jobs > 1 else ''}, {job.share:.0%}, {job.seconds:.0f} s"
        for job in state.jobs
    ]
    if state.last_fault:
        lines.append(f"  last fault: {state.last_fault}")
    if state.skipped:
        why = ", ".join(f"{key} {count}" for key, count in sorted(state.skipped.items()))
        lines.append(f"  waiting requests that it may not take, at its last look: {why}")
    return "\n".join(lines)
