"""A statement as CSV, the same from the server and from the command line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from horde.wire.cells import safe
from horde.wire.native import StatementEntry

COLUMNS = (
    "seq", "id", "kind", "at", "spendable", "held", "escrow", "lifted", "spendable_after", "held_after", "escrow_after",
    "request_id", "job_id", "worker", "others", "explanation",
)  # fmt: skip


def statement_csv(entries: Iterable[StatementEntry]) -> str:
    """A line with the names of the columns, then one for each entry; texts are safe in spreadsheets."""
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for entry in entries:
        moved, after = entry.moved, entry.after
        amounts = (
            moved.spendable, moved.held, moved.escrow, entry.lifted, after.spendable, after.held, after.escrow,
        )  # fmt: skip
        lines.writerow(
            [
                entry.seq,
                entry.id,
                entry.kind,
                entry.at.isoformat(),
                *(f"{amount:.3f}" for amount in amounts),
                entry.request_id,
                entry.job_id,
                safe(entry.worker),
                safe(", ".join(entry.others)),
                safe(entry.explanation),
            ]
        )
    return text.getvalue()
