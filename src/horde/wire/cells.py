"""Cells of CSV files, which people open in spreadsheets."""

from __future__ import annotations

FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A text that begins with one of these is computed by spreadsheets, with whatever a stranger put into a name."""


def safe(cell: object) -> object:
    """A cell that no spreadsheet computes: a text like a formula gets an apostrophe in front; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_MARKS) else cell
