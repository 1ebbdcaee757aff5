"""What came back of a call: its value, or the error it stands for. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from http import HTTPStatus

import msgspec

from horde import errors
from horde.client._calls import A, Call
from horde.client._retry import Failed
from horde.client.errors import BadAnswer
from horde.errors import HordeError, moderation, sharing
from horde.kinds import image_refusals, text_refusals

HINT_MARK = " Hint: "
"""What `HordeError.sentence` puts between message and hint, for bodies that have one text only."""
NEW_CODES_MAX = 256
"""How many codes that we have no class for are remembered; servers choose them, so there is a bound."""
SHOWN_TEXT_MAX = 200
SECONDS_WORD_MAX = 10

SPECIAL = (moderation, sharing, image_refusals, text_refusals)
"""Where refusals stand beside those of `horde.errors`."""
CLASS_BY_STATUS: dict[int, type[HordeError]] = {
    400: errors.BadInput,
    401: errors.Unauthorized,
    403: errors.Refused,
    404: errors.Missing,
    413: errors.TooLarge,
    429: errors.TooMany,
    502: errors.Unavailable,
    503: errors.Unavailable,
    504: errors.Unavailable,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An HTTP answer, whichever client received it."""

    status: int
    headers: Mapping[str, str]
    """Looked up by lower-case names."""
    content: bytes


class ErrorBody(msgspec.Struct):
    """Both shapes of an error: `rc` for refusals, `errors` for bodies that break the schema."""

    message: str | None = None
    rc: str | None = None
    errors: dict[str, object] | None = None


def read(call: Call[A], answer: Answer) -> A:
    """The value of a call. Raises Failed, with the error that the answer stands for."""
    if not 200 <= answer.status < 300:
        raise failure(answer, f"{call.method} {call.path}")
    try:
        return msgspec.json.decode(answer.content, type=call.answer)
    except msgspec.MsgspecError as error:
        message = f"{call.method} {call.path} was answered with {_shown(answer)}: {error}."
        raise Failed(BadAnswer(message), status=answer.status) from error


def failure(answer: Answer, what: str) -> Failed:
    """The failure that an answer to `what` stands for, which must not be a success."""
    return Failed(
        _error(answer, what),
        status=answer.status,
        retry_after_s=_seconds(answer.headers.get("retry-after", "")),
    )


def _error(answer: Answer, what: str) -> HordeError:
    if 300 <= answer.status < 400:
        place = answer.headers.get("location", "another place")
        return BadAnswer(f"{what} was redirected to {place}.", hint="use the address it points at.")
    try:
        body = msgspec.json.decode(answer.content, type=ErrorBody)
    except msgspec.MsgspecError:
        body = ErrorBody()
    if body.message is None:
        return _class_of("", answer.status)(f"{what} was answered with {_shown(answer)}.")
    message, _, hint = body.message.partition(HINT_MARK)
    if body.errors:
        fields = "; ".join(f"{name}: {reason}" for name, reason in body.errors.items())
        return errors.BadInput(f"{message.rstrip('.')}: {fields}", hint=hint)
    return _class_of(body.rc or "", answer.status)(message, hint=hint)


@lru_cache(maxsize=NEW_CODES_MAX)
def _class_of(rc: str, status: int) -> type[HordeError]:
    """The class of `horde.errors` with this code; what has none gets a class of its own below that of its status."""
    if rc in _known_classes():
        return _known_classes()[rc]
    above = CLASS_BY_STATUS.get(status, HordeError)
    if not rc and status in CLASS_BY_STATUS:
        return above
    body = {"rc": rc or above.rc, "status": status, "__doc__": above.__doc__, "__module__": __name__}
    made = type(rc if rc.isidentifier() else above.__name__, (above,), body)
    assert issubclass(made, HordeError)
    return made


@cache
def _known_classes() -> dict[str, type[HordeError]]:
    general = {kind.rc: kind for kind in _descendants(HordeError) if kind.__module__ == errors.__name__}
    # Of those that share a code with others, which only the words tell apart, the general one stands for all.
    names = {module.__name__ for module in SPECIAL}
    special = {kind.rc: kind for kind in _descendants(HordeError) if kind.__module__ in names}
    return general | {rc: kind for rc, kind in special.items() if rc == kind.__name__}


def _descendants(kind: type[HordeError]) -> Iterator[type[HordeError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _descendants(below)


def _shown(answer: Answer) -> str:
    text = " ".join(answer.content[: 4 * SHOWN_TEXT_MAX].decode("utf-8", "replace").split())[:SHOWN_TEXT_MAX]
    try:
        phrase = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        phrase = str(answer.status)
    return f"{phrase} and {text!r}" if text else phrase


def _seconds(text: str) -> float | None:
    # Retry-After may be a date too; no horde sends that, and the usual back-off does well enough then.
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= SECONDS_WORD_MAX else None
