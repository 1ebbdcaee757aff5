"""How a worker says why it gives a job back: where the result would be, which servers of others do not read."""

from __future__ import annotations

from typing import Final

FAULTED: Final = "faulted"
"""The state of such a delivery. Alone in place of the result, it gives no reason."""
REASON_MAX = 500
"""Letters; what is beyond is cut off."""


def text_of(reason: str) -> str:
    """What stands in place of a picture or a text."""
    return f"{FAULTED}: {reason[:REASON_MAX]}" if reason else FAULTED


def reason_in(text: str) -> str:
    """The reason that such a text gives; empty for none. Workers of others write what they like there."""
    state, _, reason = text.partition(": ")
    return reason[:REASON_MAX] if state == FAULTED else ""
