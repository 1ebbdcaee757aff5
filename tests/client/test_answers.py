"""What an answer is read as: its value, or the one error it stands for."""

import msgspec
import pytest

from horde import errors
from horde.client import _calls
from horde.client._answers import Answer, read
from horde.client._retry import Failed
from horde.client.errors import BadAnswer
from horde.errors import HordeError, sharing

CALL = _calls.account()


def error_of(status: int, content: bytes, **headers: str) -> HordeError:
    return failed_of(status, content, **headers).error


def failed_of(status: int, content: bytes, **headers: str) -> Failed:
    with pytest.raises(Failed) as raised:
        read(CALL, Answer(status=status, headers=headers, content=content))
    return raised.value


def body(**fields: object) -> bytes:
    return msgspec.json.encode(fields)


@pytest.mark.parametrize(
    ("status", "rc", "kind"),
    [
        (401, "InvalidAPIKey", errors.InvalidAPIKey),
        (403, "WorkerMaintenance", errors.WorkerMaintenance),
        (404, "RequestNotFound", errors.RequestNotFound),
        (400, "DuplicateGen", errors.DuplicateGen),
        (400, "InvalidExtraTexts.", errors.InvalidExtraTexts),
        (429, "TooManyPrompts", errors.TooManyPrompts),
        (400, "BadRequest", errors.BadInput),
        (403, "Forbidden", errors.Refused),
        (403, "SharedKeyEmpty", sharing.SharedKeyEmpty),
    ],
)
def test_refusal_is_the_same_class_as_on_the_server(status: int, rc: str, kind: type[HordeError]) -> None:
    error = error_of(status, body(message="No.", rc=rc))

    assert type(error) is kind
    assert error.message == "No."


def test_code_that_is_new_to_us_keeps_its_name_below_the_class_of_its_status() -> None:
    error = error_of(403, body(message="Pay first.", rc="KudosUpfront"))

    assert isinstance(error, errors.Refused)
    assert type(error).__name__ == error.rc == "KudosUpfront"
    assert error.status == 403


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, errors.TooMany), (503, errors.Unavailable), (404, errors.Missing), (401, errors.Unauthorized)],
)
def test_refusal_without_a_code_is_told_by_its_status(status: int, kind: type[HordeError]) -> None:
    assert type(error_of(status, body(message="2 per 1 second"))) is kind


def test_status_that_has_no_class_is_kept() -> None:
    assert error_of(500, body(message="Internal error")).status == 500


def test_broken_schema_names_the_fields() -> None:
    content = body(message="Input payload validation failed", errors={"params.width": "is not a multiple of 64"})

    error = error_of(400, content)

    assert type(error) is errors.BadInput
    assert error.message == "Input payload validation failed: params.width: is not a multiple of 64"


def test_hint_in_the_text_of_a_refusal_is_taken_out_again() -> None:
    sent = errors.InvalidAPIKey()

    error = error_of(401, body(message=sent.sentence, rc=sent.rc))

    assert (error.message, error.hint) == (sent.message, sent.hint)


def test_page_instead_of_an_answer_is_shown_in_short() -> None:
    error = error_of(502, b"<html>\n<h1>Bad   Gateway</h1>" + b"x" * 5000)

    assert type(error) is errors.Unavailable
    assert "502 Bad Gateway and '<html> <h1>Bad Gateway</h1>xxx" in error.message
    assert len(error.message) < 300


def test_success_that_is_no_answer_of_a_horde_is_said_to_be_none() -> None:
    error = error_of(200, b"<html>Welcome to nginx")

    assert isinstance(error, BadAnswer)
    assert "GET /api/v2/find_user was answered with 200 OK and '<html>Welcome to nginx'" in error.message
    assert "address of a horde" in error.hint


def test_redirect_says_where_to() -> None:
    error = error_of(301, b"", location="https://horde.example/api/v2/find_user")

    assert isinstance(error, BadAnswer)
    assert "https://horde.example/api/v2/find_user" in error.message


def test_unknown_keys_of_newer_servers_are_no_error() -> None:
    call = _calls.register("Ann")
    content = body(id=1, username="Ann#1", api_key="secret", colour="blue")

    assert read(call, Answer(status=201, headers={}, content=content)).username == "Ann#1"


@pytest.mark.parametrize(("text", "seconds"), [("3", 3.0), ("", None), ("soon", None), ("-1", None), ("9" * 50, None)])
def test_pause_is_read_where_it_is_a_number_of_seconds(text: str, seconds: float | None) -> None:
    headers = {"retry-after": text} if text else {}

    assert failed_of(429, body(message="1 per 1 second"), **headers).retry_after_s == seconds
