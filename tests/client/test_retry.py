"""When a call is made again. stamina's own test mode takes the pauses out; nothing here sleeps."""

from collections.abc import Iterator

import pytest
import stamina

from horde.client import Retries
from horde.client._retry import RETRY_AFTER_S_MAX, Failed
from horde.client.errors import Unreachable
from horde.errors import InvalidAPIKey, TooMany

AWAY = Failed(Unreachable())


def busy(retry_after_s: float | None = None, status: int = 429) -> Failed:
    return Failed(TooMany(), status=status, retry_after_s=retry_after_s)


@pytest.fixture(autouse=True)
def without_pauses() -> Iterator[None]:
    with stamina.set_testing(True, attempts=10, cap=True):
        yield


@pytest.mark.parametrize("failed", [AWAY, *(busy(status=status) for status in (429, 502, 503, 504))])
def test_silence_and_busy_servers_are_tried_again(failed: Failed) -> None:
    assert Retries().pause(failed) is True


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_answers_about_the_call_are_final(status: int) -> None:
    assert Retries().pause(Failed(InvalidAPIKey(), status=status)) is False


def test_errors_of_other_kinds_are_final() -> None:
    assert Retries().pause(ValueError()) is False


def test_pause_that_the_server_names_is_kept() -> None:
    assert Retries().pause(busy(3)) == 3


def test_server_that_wants_a_long_pause_is_heard_of_at_once() -> None:
    assert Retries().pause(busy(RETRY_AFTER_S_MAX + 1)) is False


def test_tries_are_bounded() -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise AWAY

    with pytest.raises(Failed):
        Retries(attempts=4).caller()(Retries().pause, fail)
    assert len(tries) == 4


async def test_success_ends_the_tries() -> None:
    tries: list[int] = []

    async def fail_twice() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise busy(1)
        return "done"

    assert await Retries().async_caller()(Retries().pause, fail_twice) == "done"
    assert len(tries) == 3
