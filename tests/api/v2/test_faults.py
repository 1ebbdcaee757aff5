"""The disk is full, the database goes away: a clear answer that says to come back, and nothing is lost by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.api.actors import ask, deliver, pop, status
from tests.plugins.hordes import RunningHorde


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Nothing can be written to a folder that is a file; a full disk looks the same from above."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("")
    yield
    folder.unlink()
    aside.rename(folder)


def test_picture_that_cannot_be_stored_can_be_delivered_again(horde: RunningHorde, client: httpx.Client) -> None:
    request_id = ask(client)
    job = pop(client)
    with unwritable(horde.settings.objects_dir):
        refused = deliver(client, job["id"])

    assert (refused.status_code, refused.json()["rc"]) == (503, "StorageFailed")
    assert "Retry-After" in refused.headers
    assert status(client, request_id)["finished"] == 0
    assert deliver(client, job["id"]).status_code == 200
    assert status(client, request_id)["finished"] == 1
