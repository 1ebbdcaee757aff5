"""`horde explain`: how far a request is, and why it waits."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter

from horde.cli.horde_options import HordeUrl
from horde.cli.output import answer
from horde.cli.refusals import refusals
from horde.client import DEFAULT_URL, CheckAnswer, Horde

LABEL_WIDTH = 10


class Explained(msgspec.Struct, kw_only=True):
    """What `--json` prints."""

    id: str
    state: str
    place: int | None
    """In the queue, 1 is next; null when nothing of it waits its turn."""
    wait_s: int | None
    """Seconds until its last picture, as far as can be told; null when nothing can."""
    ready: int
    being_made: int
    waiting: int
    failed_tries: int
    is_possible: bool
    """Whether somebody online can do it, or does."""
    why: str
    """Why it is as it is, in a sentence."""


def explain(
    request_id: str,
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")] = False,
    horde: HordeUrl = DEFAULT_URL,
) -> int:
    """Say how far a request is, how long it takes yet, and why it waits.

    Parameters
    ----------
    request_id
        what the horde answered when it was asked
    """
    with refusals(), Horde(horde) as opened:
        found = explained(request_id, opened.request(request_id).check())
    if as_json:
        answer(msgspec.json.encode(found).decode())
    else:
        answer("\n".join(f"{label:<{LABEL_WIDTH}}{text}" for label, text in _lines(found)))
    return 0


def explained(request_id: str, check: CheckAnswer) -> Explained:
    """What a look at a request tells. Pure."""
    can_tell = check.wait_time > 0 and check.is_possible and not check.done
    return Explained(
        id=request_id,
        state=_state(check),
        place=(check.queue_position or None) if check.is_possible else None,
        wait_s=check.wait_time if can_tell else None,
        ready=check.finished,
        being_made=check.processing,
        waiting=check.waiting,
        failed_tries=check.restarted,
        is_possible=check.is_possible,
        why=_why(check),
    )


def _state(check: CheckAnswer) -> str:
    if check.faulted:
        return "given up"
    if check.done:
        return "done"
    return "being made" if check.processing else "waiting"


def _why(check: CheckAnswer) -> str:
    if check.faulted:
        return check.explanation or "It failed too often: nobody tries it again."
    if check.done:
        return "Nothing of it waits any more."
    if check.explanation:
        return check.explanation
    if not check.is_possible:
        return "No worker online can do it."
    if not check.waiting:
        return "A worker has it." if check.processing == 1 else "Workers have all of it."
    if check.queue_position > 1:
        ahead = check.queue_position - 1
        return f"{ahead:,} {'request stands' if ahead == 1 else 'requests stand'} before it."
    return "It is next: the first worker that is free and can do it takes it."


def _lines(found: Explained) -> list[tuple[str, str]]:
    total = found.ready + found.being_made + found.waiting
    parts = [f"{found.ready} of {total} ready"]
    parts += [f"{count} {words}" for count, words in _counts(found) if count]
    lines = [("state", found.state), ("pictures", ", ".join(parts))]
    if found.place is not None:
        lines.append(("place", f"{found.place:,} in the queue"))
    if found.wait_s is not None:
        lines.append(("time", f"about {found.wait_s:,} s yet"))
    return [*lines, ("why", found.why)]


def _counts(found: Explained) -> list[tuple[int, str]]:
    tries = "failed try" if found.failed_tries == 1 else "failed tries"
    return [(found.being_made, "being made"), (found.waiting, "waiting"), (found.failed_tries, tries)]
