"""What people write of themselves, workers and teams, as it is kept. Source: contract/lifecycle.md, section 12."""

from __future__ import annotations

from html import escape


def harmless(text: str) -> str:
    """A text that other people's pages may show, also as HTML: without tags, and without white space around it.

    The contract lets a few tags through (docs/decisions/deviations.md).
    """
    return escape(text.strip(), quote=False)
