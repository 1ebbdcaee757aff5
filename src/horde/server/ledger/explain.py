"""Entries of a statement in words. Pure."""

from __future__ import annotations

from collections.abc import Callable

from horde.server.ledger.book import EventKind
from horde.server.ledger.statement import Entry
from horde.units import kudos_in_words as told


def explanation(entry: Entry, worker: str | None) -> str:
    """What happened, in one line; `worker` is the name of the one that had part in it, where that is still known."""
    words = WORDS[entry.kind](entry, f"worker {worker}" if worker else "a worker that is gone")
    # At the opening it is all there is.
    is_lifted = entry.lifted_mk and entry.kind != "opening"
    return f"{words}; {told(entry.lifted_mk)} given to stay at the floor" if is_lifted else words


def _own(entry: Entry) -> int:
    """What came in, but for what lifts; negative is what went out. Being held is neither."""
    return entry.spendable_mk - entry.lifted_mk + entry.held_mk + entry.escrow_mk


def _opening(entry: Entry, _worker: str) -> str:
    return f"the account stands at its floor: {told(entry.spendable_mk)} given"


def _ask(entry: Entry, _worker: str) -> str:
    parts = [f"reserved {told(entry.held_mk)}"] if entry.held_mk else []
    if tax := -_own(entry):
        parts.append(f"paid {told(tax)} for asking")
    return f"{_request(entry)}: {', '.join(parts)}"


def _job(entry: Entry, worker: str) -> str:
    paid = -_own(entry)
    if paid < 0:
        kept = f", {told(entry.escrow_mk)} of it in escrow" if entry.escrow_mk else ""
        return f"job {entry.job_id}: earned {told(-paid)} by {worker}{kept}"
    parts = [f"paid {told(paid)} to {worker}" if paid else f"made by {worker} for nothing"]
    # What was held and is not paid comes back; what was not held is taken from what can be spent.
    beside = entry.spendable_mk - entry.lifted_mk
    if beside > 0:
        parts.append(f"{told(beside)} returned")
    elif beside < 0:
        parts.append(f"{told(-beside)} of it not reserved before")
    return f"{_request(entry)}: {', '.join(parts)}"


def _return(entry: Entry, _worker: str) -> str:
    reason = f" ({entry.note})" if entry.note else ""
    return f"{_request(entry)}: {told(-entry.held_mk)} returned{reason}"


def _uptime(entry: Entry, worker: str) -> str:
    kept = ", in escrow" if entry.escrow_mk else ""
    return f"{worker}: {told(_own(entry))} for being online{kept}"


def _promotion(entry: Entry, _worker: str) -> str:
    return f"trusted: {told(-entry.escrow_mk)} of escrow can be spent"


def _gift(entry: Entry, _worker: str) -> str:
    others, amount = " and ".join(entry.others) or "somebody", _own(entry)
    return f"gave {told(-amount)} to {others}" if amount < 0 else f"got {told(amount)} from {others}"


def _award(entry: Entry, _worker: str) -> str:
    return f"awarded {told(_own(entry))}"


def _admin(entry: Entry, _worker: str) -> str:
    amount = _own(entry)
    return f"an admin took {told(-amount)}" if amount < 0 else f"an admin gave {told(amount)}"


def _monthly(entry: Entry, _worker: str) -> str:
    return f"monthly kudos: {told(_own(entry))}"


def _style(entry: Entry, _worker: str) -> str:
    return f"a style of yours was used: {told(_own(entry))}"


def _request(entry: Entry) -> str:
    # Events that were posted before the ledger had any know of their job alone.
    return f"request {entry.request_id}" if entry.request_id else f"job {entry.job_id}"


WORDS: dict[EventKind, Callable[[Entry, str], str]] = {
    "opening": _opening,
    "ask": _ask,
    "job": _job,
    "return": _return,
    "uptime": _uptime,
    "promotion": _promotion,
    "gift": _gift,
    "award": _award,
    "admin": _admin,
    "monthly": _monthly,
    "style": _style,
}
