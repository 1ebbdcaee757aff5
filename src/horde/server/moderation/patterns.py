"""Regular expressions that moderators write, run by RE2.

RE2 needs time in proportion to the text whatever the expression, so nobody can stop the server with one
(docs/decisions/filters-are-run-by-re2.md). It frees Python's lock while it searches.
"""

from __future__ import annotations

from collections.abc import Sequence

import re2  # type: ignore[import-untyped]  # it ships no types; this file is its only user

from horde.errors import BadInput

REGEX_MAX = 2000
"""Characters of one expression."""
STEPS_MAX = 2000
"""Of the program that RE2 makes of one expression: what a character of a prompt can cost at most."""
MEMORY_OF_ONE, MEMORY_OF_MANY = 1 << 20, 64 << 20
"""Bytes."""


class Pattern:
    """One expression, in any case of letters."""

    def __init__(self, regex: str, memory: int = MEMORY_OF_ONE) -> None:
        options = re2.Options()
        options.max_mem = memory
        options.log_errors = False
        options.case_sensitive = False
        # Raises re2.error. Not re2.compile: that keeps what it compiled for ever.
        self._found = re2._Regexp(regex, options)
        self.regex = regex
        self.steps: int = self._found.programsize

    def first(self, text: str) -> str | None:
        """What of the text it hits first, if it does."""
        hit = self._found.search(text)
        return None if hit is None else str(hit.group())

    def replaced(self, text: str, by: str) -> str:
        """The text with each hit replaced by exactly `by`."""
        return str(self._found.sub(lambda _hit: by, text))


def pattern(regex: str) -> Pattern:
    """What a moderator wrote.

    Raises BadInput for what RE2 does not know, what is too large, and what hits every text.
    """
    if len(regex) > REGEX_MAX:
        raise BadInput(f"The regex has {len(regex)} characters; at most {REGEX_MAX} are taken.")
    try:
        found = Pattern(regex)
    except re2.error as error:
        raise BadInput(
            f"The regex {regex[:80]!r} cannot be used: {_reason(error)}.",
            hint="it is run by RE2, which knows neither look-around nor back-references.",
        ) from error
    if found.steps > STEPS_MAX:
        raise BadInput(
            f"The regex {regex[:80]!r} is too large: {found.steps} steps; at most {STEPS_MAX} are taken.",
            hint="make its repetitions shorter, or several filters of it.",
        )
    if found.first("") is not None:
        raise BadInput(f"The regex {regex[:80]!r} hits the empty text, and so every prompt.")
    return found


def union(regexes: Sequence[str]) -> str:
    """One expression that hits wherever one of these does."""
    return "|".join(f"(?:{regex})" for regex in regexes)


def together(patterns: Sequence[Pattern]) -> tuple[Pattern, ...]:
    """Patterns that hit wherever one of these does: one alone, unless RE2 cannot make one of them all."""
    if len(patterns) < 2:
        return tuple(patterns)
    try:
        return (Pattern(union([found.regex for found in patterns]), MEMORY_OF_MANY),)
    except re2.error:
        # Too large together, or with two groups of one name.
        return tuple(patterns)


def _reason(error: Exception) -> str:
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
