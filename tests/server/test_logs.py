"""Logs tell events in one line each, from the wanted level on, and keep secrets to themselves."""

from collections.abc import Iterator

import pytest
import structlog

from horde.server.logs import set_up_logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_events_from_the_level_on_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("warning")
    log = structlog.get_logger("test")

    log.info("quiet")
    log.warning("loud", count=3)

    out, err = capsys.readouterr()
    [line] = err.splitlines()
    assert "loud" in line
    assert "count=3" in line
    assert out == ""


def test_trace_of_an_error_shows_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("INFO")
    secret = "key-0f-ada"

    try:
        len(secret) / 0
    except ZeroDivisionError:
        structlog.get_logger("test").exception("failed")

    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert secret not in err


def test_level_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        set_up_logs("LOUD")
