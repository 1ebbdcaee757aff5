"""Parts of a running horde are killed in the middle of their work, and no accepted request is lost."""

import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.end_to_end.private_horde import PrivateHorde
from tests.plugins.hordes import ANONYMOUS

REQUESTS = 4
LARGE = {"width": 1024, "height": 1024, "steps": 1, "n": 2}
"""Long enough to draw that a kill falls into the middle."""
FINISH_S_MAX = 120.0


@pytest.fixture
def horde(data_dir: Path) -> Iterator[PrivateHorde]:
    """A private horde with its local worker."""
    with PrivateHorde(data_dir) as found:
        found.until_up()
        yield found


class Requestor:
    """Somebody who keeps asking, also while the server is away."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._deadline = time.monotonic() + FINISH_S_MAX

    def ask(self) -> str:
        """A large request; its id."""
        answer = self._client.post("/async", json={"prompt": "robots", "params": LARGE, "r2": False})
        assert answer.status_code == 202
        return str(answer.json()["id"])

    def until_somebody_works(self, requests: Sequence[str]) -> None:
        """Return when one of these requests is being worked on: of a given one that could be over before it is seen."""
        for request_id in cycle(requests):
            if self._look(request_id).get("processing"):
                return

    def until(self, request_id: str, key: str, value: object, verb: str = "check") -> dict[str, Any]:
        """The answer in which `key` has that value at last."""
        while True:
            found = self._look(request_id, verb)
            if key in found and found[key] == value:
                return found

    def _look(self, request_id: str, verb: str = "check") -> dict[str, Any]:
        """The answer, or nothing while the server is away."""
        assert time.monotonic() < self._deadline, f"{request_id} is still not what it should be"
        try:
            answer = self._client.get(f"/{verb}/{request_id}")
        except httpx.TransportError:
            return {}  # the server was killed and is not back yet
        assert answer.status_code in (200, 503), answer.text
        found: dict[str, Any] = answer.json()
        return found if answer.status_code == 200 else {}


@pytest.fixture
def requestor(horde: PrivateHorde) -> Iterator[Requestor]:
    """An anonymous requestor."""
    url, headers = f"{horde.url}/api/v2/generate", {"apikey": ANONYMOUS}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        yield Requestor(client)


@pytest.mark.parametrize("victims", [["worker"], ["serve"], ["postgres"], ["worker", "serve", "worker", "serve"]])
def test_kill_in_the_middle_of_jobs_loses_no_accepted_request(
    horde: PrivateHorde, requestor: Requestor, victims: list[str]
) -> None:
    requests = [requestor.ask() for _ in range(REQUESTS * len(victims))]

    for victim in victims:
        requestor.until_somebody_works(requests)
        process = horde.child(victim)
        process.kill()
        psutil.wait_procs([process], timeout=FINISH_S_MAX)

    for request_id in requests:
        done = requestor.until(request_id, "done", True, verb="status")
        assert (done["faulted"], done["finished"]) == (False, 2)
        assert len({picture["id"] for picture in done["generations"]}) == 2
        assert all(picture["img"] != "N/A" for picture in done["generations"])
