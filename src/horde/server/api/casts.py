"""Numbers on routes whose bodies have no schema: there "3" and 1.5 are taken as 3 and 1 (contract/api-v2.md, 1.2)."""

from __future__ import annotations

from horde.server.api.errors import BadPayload

WHOLE_MAX = 10**15
"""No amount is larger."""


def whole(name: str, value: object) -> int:
    """A whole number. Raises BadPayload, keyed by `name`, for what cannot be one."""
    try:
        number = int(value)  # type: ignore[call-overload]  # what cannot be cast raises, as it should
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not -WHOLE_MAX <= number <= WHOLE_MAX:
        raise BadPayload({name: f"{name}. {str(value)[:80]!r} is not a whole number that can be taken"})
    assert isinstance(number, int)
    return number
