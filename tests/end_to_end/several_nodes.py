"""Several server nodes on one database, and a crowd that keeps at it while they are killed."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TypeVar
from uuid import uuid4

import httpx
import psutil

from tests.api.actors import MODEL, ask, deliver
from tests.end_to_end.private_horde import PrivateHorde
from tests.plugins.data_dirs import living, words_of
from tests.plugins.hordes import ANONYMOUS

NODES, IMAGES = 3, 2
WAIT_S_MAX = 30.0
PAUSE_S = 0.02
"""Between two looks at a request, for the sake of the machine."""
BREATH = threading.Event()
"""Never set: waiting for it leaves the machine to those who are waited for."""
T = TypeVar("T")


def until(is_so: Callable[[], object], what: str) -> None:
    """Look again and again whether it is so."""
    deadline = time.monotonic() + WAIT_S_MAX
    while not is_so():
        BREATH.wait(PAUSE_S)
        assert time.monotonic() < deadline, f"not after {WAIT_S_MAX:.0f} s: {what}"


def nodes(horde: PrivateHorde) -> list[psutil.Process]:
    """The processes of the nodes that run now."""
    return [process for process in living(horde.data_dir) if is_node(process)]


def is_node(process: psutil.Process) -> bool:
    words = words_of(process)
    return "--node" in words and not any(word.endswith("guard.py") for word in words)


def node(horde: PrivateHorde, number: int) -> list[psutil.Process]:
    """The process of that node when it takes connections."""
    words = ["--node", str(number)]
    return [each for each in nodes(horde) if words_of(each)[-2:] == words and listens(each, horde.port)]


def listens(node: psutil.Process, port: int) -> bool:
    try:
        connections = node.net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)


def client_of(url: str, key: str = ANONYMOUS) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"apikey": key}, timeout=90)


def persist(call: Callable[[], T]) -> T:
    """Call until the horde answers: a node that is killed takes its connections with it."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            return call()
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"no answer within {WAIT_S_MAX:.0f} s"


class Crowd:
    """Requestors and workers who keep at it, and remember what they were told."""

    def __init__(
        self,
        url: str,
        *,
        requestors: Sequence[str] = (ANONYMOUS,) * NODES,
        workers: Sequence[str] = (ANONYMOUS,) * NODES,
        changes_its_mind: float = 0.0,
        fails: float = 0.0,
    ) -> None:
        """Keys of who plays; how often a requestor cancels, and how often a worker reports a fault."""
        self.accepted: list[str] = []
        self.delivered: list[str] = []
        self.cancelled: list[str] = []
        self.failed: list[str] = []
        self._url = url
        self._requestors, self._workers = requestors, workers
        self._changes_its_mind, self._fails = changes_its_mind, fails
        self._playing: list[Future[None]] = []
        self._names: dict[str, int] = {}
        """How often each worker had to take another name."""
        self._chance = random.Random(1)
        self._is_over = threading.Event()
        self._is_served = threading.Event()

    def has_delivered(self, count: int) -> bool:
        return len(self.delivered) >= count

    def has_done(self, count: int) -> bool:
        """Whether so much was done; fails where somebody of the crowd did."""
        for playing in self._playing:
            if playing.done():
                playing.result()
        return self.steps >= count

    @property
    def steps(self) -> int:
        """How much was done."""
        return len(self.accepted) + len(self.delivered) + len(self.cancelled) + len(self.failed)

    def requestor(self, key: str) -> None:
        """Ask, wait for the pictures, and ask again, until it is over."""
        with client_of(self._url, key) as client:
            while not self._is_over.is_set():
                # Who asks again after a lost answer says so, and asks for nothing more than the first time.
                client.headers["Idempotency-Key"] = str(uuid4())
                request_id = persist(partial(ask, client, params={"n": IMAGES}))
                self.accepted.append(request_id)
                if self._chance.random() < self._changes_its_mind:
                    answer = persist(partial(client.delete, f"/api/v2/generate/status/{request_id}"))
                    assert answer.status_code == 200, answer.text
                    self.cancelled.append(request_id)
                else:
                    until(partial(self._is_done, client, request_id), f"{request_id} is done")

    def worker(self, key: str, name: str) -> None:
        """Take jobs and hand them in, as long as a requestor waits."""
        with client_of(self._url, key) as client:
            while not self._is_served.is_set():
                for job_id in self._popped(client, name):
                    fails = self._chance.random() < self._fails
                    answer = persist(partial(deliver, client, job_id, state="faulted" if fails else "ok"))
                    if answer.status_code == 200:
                        (self.failed if fails else self.delivered).append(job_id)
                    else:  # the answer to an earlier try was lost with its node, or the job was given back meanwhile
                        assert answer.json()["rc"] in ("DuplicateGen", "AbortedGen"), answer.text

    def _popped(self, client: httpx.Client, name: str) -> list[str]:
        """Jobs for a worker, which comes back under another name when it failed too often to be given any more."""
        number = self._names.setdefault(name, 0)
        body = {"name": f"{name} {number}", "models": [MODEL], "max_pixels": 512 * 512}
        # To hold none says that a job whose hand-out was lost with its node may go back at once.
        ask_for_work = partial(client.post, "/api/v2/generate/pop", json={**body, "held_jobs": []})
        answer = persist(partial(ask_for_work, headers={"Prefer": "wait=1"}))
        if answer.status_code == 403 and answer.json()["rc"] == "WorkerMaintenance":
            self._names[name] += 1
            return []
        assert answer.status_code == 200, answer.text
        jobs: list[str] = answer.json()["ids"]
        return jobs

    @contextmanager
    def at_work(self, last_life: Callable[[], AbstractContextManager[object]] = nullcontext) -> Iterator[None]:
        """All work during the block, and then, in `last_life`, until no request is waited for any more."""
        with ThreadPoolExecutor() as pool:
            requestors = [pool.submit(self.requestor, key) for key in self._requestors]
            workers = [pool.submit(self.worker, key, f"worker {i}") for i, key in enumerate(self._workers)]
            self._playing = [*workers, *requestors]
            try:
                yield
            finally:
                self._is_over.set()
                with last_life():
                    wait(requestors)
                    self._is_served.set()
                    wait(workers)
            for playing in (*workers, *requestors):
                playing.result()

    def _is_done(self, client: httpx.Client, request_id: str) -> bool:
        self._is_over.wait(PAUSE_S)
        found = persist(lambda: client.get(f"/api/v2/generate/check/{request_id}"))
        assert found.status_code == 200, found.text
        return bool(found.json()["done"])
