"""`horde kudos share`, `shared` and `unshare`."""

import pytest

from horde.cli.main import status_of
from horde.cli.output import FAILED
from horde.client import AsyncHorde, Horde
from horde.errors import InvalidAPIKey
from tests.plugins.hordes import RunningHorde


def run(horde: RunningHorde, key: str, *words: str) -> int:
    return status_of(["kudos", *words, "--horde", horde.url, "--key", key])


@pytest.fixture
def ada(horde: RunningHorde) -> str:
    """The key of the first account."""
    with Horde(horde.url) as opened:
        return opened.register("Ada").api_key


def test_key_alone_goes_to_stdout_and_lets_ask(
    horde: RunningHorde, ada: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("share", "--kudos", "70", "--days", "7", "--name", "for Bob", "--steps", "30")
    assert run(horde, ada, *words) == 0

    said = capsys.readouterr()
    key = said.out.strip()
    assert "asks as Ada#1" in said.err
    with Horde(horde.url, key) as friend:
        assert friend.account().username == "Ada#1 (Shared Key: for Bob)"
        found = friend.shared_key(key)
    assert (found.kudos, found.max_image_steps, found.max_image_pixels, found.max_text_tokens) == (70, 30, -1, -1)


def test_keys_are_listed_with_what_is_left_and_what_they_are_for(
    horde: RunningHorde, ada: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(horde, ada, "share", "--kudos", "7000", "--name", "for Bob", "--steps", "30", "--pixels", "4096")
    run(horde, ada, "share")
    keys = capsys.readouterr().out.split()

    assert run(horde, ada, "shared") == 0

    assert capsys.readouterr().out.splitlines() == [
        "key                                       kudos left         spent  for",
        f"{keys[0]}           7,000             0  for Bob, at most 4,096 pixels, at most 30 steps",
        f"{keys[1]}    all of yours             0",
    ]


def test_key_that_is_taken_back_is_of_no_use(horde: RunningHorde, ada: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(horde, ada, "share")
    key = capsys.readouterr().out.strip()

    assert run(horde, ada, "unshare", key) == 0
    assert run(horde, ada, "shared") == 0

    assert "you share no key" in capsys.readouterr().err
    with Horde(horde.url) as anybody, pytest.raises(InvalidAPIKey):
        anybody.shared_key(key)
    assert run(horde, ada, "unshare", key) == FAILED


async def test_both_clients_share(horde: RunningHorde, ada: str) -> None:
    async with AsyncHorde(horde.url, ada) as opened:
        made = await opened.share(kudos=3, days=1, name="a")
        assert await opened.shared_key(made.id) == made
        await opened.unshare(made.id)
        assert (await opened.account()).sharedkey_ids == []
