"""`horde admin ledger`: whether the kudos add up, and the whole ledger for tools of one's own."""

from __future__ import annotations

import asyncio
import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, TextIO

import msgspec
from cyclopts import App, Parameter

from horde.cli.admin import Data, database_of
from horde.cli.output import FAILED, CommandFailed, answer, say
from horde.cli.server_settings import read_settings
from horde.errors import HordeError
from horde.server.app import open_services
from horde.server.ledger.export import ExportedEvent, Posting, events
from horde.server.ledger.verify import Flaw, Sums
from horde.server.settings import Settings
from horde.server.status.books import verify_books
from horde.units import kudos_in_words
from horde.wire.cells import safe

app = App(name="ledger", help="The ledger of all kudos.")

HINT = (
    "events are never changed, so somebody wrote to the database past the server. `horde admin ledger export` shows"
    " what the event moved, a backup of the database what it was."
)
LABEL_WIDTH = 12
Write = Callable[[ExportedEvent], None]


@app.command
def verify(
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")] = False,
    data: Data = None,
) -> int:
    """Work out every balance again from the postings, and name the first event that does not add up.

    Nothing is changed, and the server may run meanwhile. The exit status is 1 when something does not add up.
    """
    with _settings(data) as settings:
        found = asyncio.run(_verify(settings))
    if as_json:
        answer(msgspec.json.encode(found).decode())
        return FAILED if isinstance(found, Flaw) else 0
    if isinstance(found, Flaw):
        raise CommandFailed(_named(found), hint=HINT, status=FAILED)
    answer("\n".join(f"{label:<{LABEL_WIDTH}}{text}" for label, text in _lines(found)))
    return 0


@app.command
def export(
    *,
    form: Annotated[
        Literal["json", "csv"], Parameter(name="--format", help="a JSON object an event, or a CSV line a posting")
    ] = "json",
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="file to write; stdout, unless said")
    ] = None,
    data: Data = None,
) -> None:
    """Write all events with their postings, in their order; amounts are thousandths of a kudos."""
    with _settings(data) as settings, _file(output) as file:
        count = asyncio.run(_export(settings, FORMS[form](file)))
    say(f"exported {count:,} {'event' if count == 1 else 'events'}")


@contextmanager
def _settings(data: Path | None) -> Iterator[Settings]:
    """With a database that is there, whether the server runs or not."""
    settings = read_settings(data_dir=data)
    try:
        with database_of(settings) as url:
            yield msgspec.structs.replace(settings, database_url=url)
    except HordeError as error:
        raise CommandFailed(error.message, hint=error.hint) from error


@contextmanager
def _file(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    try:
        # The csv module ends its lines by itself.
        opened = output.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise CommandFailed(f"{output} cannot be written: {error.strerror}", hint="name another file") from error
    with opened:
        yield opened


async def _verify(settings: Settings) -> Sums | Flaw:
    async with open_services(settings) as services:
        return await verify_books(services.database)


async def _export(settings: Settings, write: Write) -> int:
    count = 0
    async with open_services(settings) as services:
        async for event in events(services.database):
            write(event)
            count += 1
    return count


def _json_lines(file: TextIO) -> Write:
    def write(event: ExportedEvent) -> None:
        file.write(msgspec.json.encode(event).decode() + "\n")

    return write


def _csv_lines(file: TextIO) -> Write:
    lines = csv.writer(file)
    event_fields = [name for name in ExportedEvent.__struct_fields__ if name != "postings"]
    lines.writerow([*event_fields, *Posting.__struct_fields__])

    def write(event: ExportedEvent) -> None:
        about = [getattr(event, name) for name in event_fields]
        for posting in event.postings:
            lines.writerow([safe(cell) for cell in (*about, *msgspec.structs.astuple(posting))])

    return write


FORMS: dict[str, Callable[[TextIO], Write]] = {"json": _json_lines, "csv": _csv_lines}


def _named(flaw: Flaw) -> str:
    if flaw.seq is None:
        return f"an account without any event does not add up: {flaw.reason}"
    about = f" ({flaw.id}, {flaw.kind}, {flaw.at:%Y-%m-%d %H:%M:%S} UTC)" if flaw.id else ""
    return f"event {flaw.seq}{about} does not add up: {flaw.reason}"


def _lines(sums: Sums) -> list[tuple[str, str]]:
    pockets = {"spendable": sums.spendable_mk, "held": sums.held_mk, "in escrow": sums.escrow_mk}
    parts = ", ".join(f"{kudos_in_words(amount)} {pocket}" for pocket, amount in pockets.items())
    return [
        (
            "checked",
            f"{sums.events:,} events with {sums.postings:,} postings in {sums.accounts:,} accounts: all add up",
        ),
        ("minted", kudos_in_words(sums.minted_mk)),
        ("burnt", kudos_in_words(sums.burnt_mk)),
        ("in accounts", f"{kudos_in_words(sums.in_accounts_mk)} ({parts})"),
    ]
