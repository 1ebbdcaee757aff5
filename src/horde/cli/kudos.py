"""`horde kudos`: what an account holds, and what moved it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from horde.cli.horde_options import ApiKey, HordeUrl
from horde.cli.kudos_send import send
from horde.cli.kudos_share import share, shared, unshare
from horde.cli.output import answer
from horde.cli.refusals import refusals
from horde.client import ANONYMOUS_KEY, DEFAULT_URL, Horde
from horde.units import kudos, kudos_in_words
from horde.wire import native
from horde.wire.statement_csv import statement_csv

app = App(name="kudos", help="Show your kudos and what moved them, give some away, and share some by keys.")
app.command(send)
for command in (share, shared, unshare):
    app.command(command)

SHOWN = 10
"""Entries that are shown, when nobody said how many: they fit on a screen with what the account holds."""
LABEL_WIDTH, TIME_WIDTH, AMOUNT_WIDTH = 11, 21, 14


@app.default
def show(
    *,
    kind: Annotated[native.EntryKind | None, Parameter(help="only what moved for this")] = None,
    since: Annotated[datetime | None, Parameter(help="only from this moment on, UTC: 2026-01-31")] = None,
    until: Annotated[datetime | None, Parameter(help="only before this moment, UTC")] = None,
    request: Annotated[str | None, Parameter(help="only of the request with this id")] = None,
    limit: Annotated[int, Parameter(name=["--limit", "-n"], help="how many entries", validator=Number(gte=1))] = SHOWN,
    as_csv: Annotated[bool, Parameter(name="--csv", help="the entries as CSV", negative="")] = False,
    as_json: Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")] = False,
    horde: HordeUrl = DEFAULT_URL,
    key: ApiKey = ANONYMOUS_KEY,
) -> int:
    """Show what your account holds and what moved it last, the newest first."""
    with refusals(), Horde(horde, key) as opened:

        def read(before: int | None, page: int) -> native.Statement:
            return opened.statement(
                kind=kind, since=_utc(since), until=_utc(until), request_id=request, before=before, limit=page
            )

        found = gathered(read, limit)
    if as_json:
        answer(msgspec.json.encode(found).decode())
    elif as_csv:
        answer(statement_csv(found.entries).rstrip("\r\n"))
    else:
        answer("\n".join([*_balance(found), *_entries(found.entries)]))
    return 0


def gathered(
    read: Callable[[int | None, int], native.Statement], limit: int, *, page_max: int = native.STATEMENT_LIMIT_MAX
) -> native.Statement:
    """As many entries as are wanted; `read` gives those before a place, so many of them."""
    entries: list[native.StatementEntry] = []
    before: int | None = None
    while True:
        page = read(before, min(limit - len(entries), page_max))
        entries += page.entries
        before = page.next_before
        if before is None or len(entries) >= limit:
            return msgspec.structs.replace(page, entries=entries)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _balance(found: native.Statement) -> list[str]:
    held = found.balance
    rows = [
        ("spendable", held.spendable, f"of which {_told(held.floor)} stay: the floor of this account"),
        ("held", held.held, "for requests that wait or run"),
        ("escrow", held.escrow, "yours as soon as you are trusted"),
    ]
    lines = [f"{label:<{LABEL_WIDTH}}{_told(amount):>{AMOUNT_WIDTH}}  {words}" for label, amount, words in rows]
    return [found.username, *lines]


def _entries(entries: Sequence[native.StatementEntry]) -> list[str]:
    if not entries:
        return ["", "nothing moved"]
    head = f"{'when (UTC)':<{TIME_WIDTH}}{'spendable':>{AMOUNT_WIDTH}}{'after':>{AMOUNT_WIDTH}}  what"
    return ["", head, *(_line(entry) for entry in entries)]


def _line(entry: native.StatementEntry) -> str:
    moved = kudos(entry.moved.spendable)
    sign = "+" if moved > 0 else ""
    amount, after = f"{sign}{kudos_in_words(moved)}", _told(entry.after.spendable)
    at = entry.at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}  {amount:>{AMOUNT_WIDTH}}{after:>{AMOUNT_WIDTH}}  {entry.explanation}"


def _told(amount: float) -> str:
    return kudos_in_words(kudos(amount))
