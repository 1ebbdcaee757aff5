"""Double entry for the load: what was asked, handed out, handed in and received, and whether it all agrees.

Every answer passes through here, so a figure is only ever printed of a server that did its work.

Violated    something was lost, handed out twice, mixed up, or paid wrongly; the message names it
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.needs import Need, Offer, can_do

KUDOS_SCALE = 1000
"""Amounts are compared in whole thousandths: floats off the wire are not added up."""


class Violated(Exception):
    """The server broke its promise."""


@dataclass(slots=True)
class Entry:
    """One request of one picture, from the question to the picture."""

    number: int
    key: str
    need: Need
    request_id: str = ""
    job_id: str = ""
    worker_key: str = ""
    picture: bytes = b""
    is_delivered: bool = False


class Books:
    """Everything that was asked of one server."""

    def __init__(self) -> None:
        self._open: dict[int, Entry] = {}
        self._request_ids: set[str] = set()
        self._job_ids: set[str] = set()
        self._earned_mk: dict[str, int] = {}
        self._next_number = 0
        self.received = 0
        """Requests that ended with their picture."""

    @property
    def waiting(self) -> int:
        """How many requests were accepted and not handed out yet."""
        return sum(1 for entry in self._open.values() if entry.request_id and not entry.job_id)

    @property
    def earned_mk(self) -> dict[str, int]:
        """What the owner of each key was told that came to the account for its workers, in thousandths."""
        return self._earned_mk

    def waiting_entries(self) -> list[Entry]:
        """Those requests, oldest first."""
        return [entry for entry in self._open.values() if entry.request_id and not entry.job_id]

    def ask(self, key: str, need: Need) -> Entry:
        """A new request; its number is unique in these books."""
        entry = Entry(self._next_number, key, need)
        self._next_number += 1
        self._open[entry.number] = entry
        return entry

    def accepted(self, entry: Entry, request_id: str) -> None:
        """The server took it under an id."""
        if not request_id or request_id in self._request_ids:
            raise Violated(f"request {entry.number} was given the id {request_id!r}, which is empty or taken")
        self._request_ids.add(request_id)
        entry.request_id = request_id

    def handed_out(self, number: int, job_id: str, worker_key: str, offer: Offer) -> Entry:
        """A worker got the job of the request with this number."""
        entry = self._open.get(number)
        if entry is None:
            raise Violated(f"job {job_id} is for request {number}, which nobody asks for any more")
        if entry.job_id:
            raise Violated(f"request {number} was handed out twice: as job {entry.job_id} and as job {job_id}")
        if job_id in self._job_ids:
            raise Violated(f"job id {job_id} was given out twice")
        if not can_do(offer, entry.need):
            raise Violated(f"request {number} needs {entry.need}, and went to a worker that can do {offer.label}")
        self._job_ids.add(job_id)
        entry.job_id, entry.worker_key = job_id, worker_key
        return entry

    def delivered(self, entry: Entry, reward: float, *, earned: float, picture: bytes) -> None:
        """The server took the picture and told the reward, and what of it the worker's owner has earned."""
        if entry.is_delivered:
            raise Violated(f"job {entry.job_id} was taken twice")
        if reward <= 0:
            raise Violated(f"job {entry.job_id} was rewarded with {reward}")
        entry.is_delivered, entry.picture = True, picture
        before = self._earned_mk.get(entry.worker_key, 0)
        self._earned_mk[entry.worker_key] = before + round(earned * KUDOS_SCALE)

    def received_picture(self, entry: Entry, generations: list[tuple[str, bytes]]) -> None:
        """The requestor read these jobs with their pictures; the request is over."""
        if [job_id for job_id, _ in generations] != [entry.job_id]:
            raise Violated(f"request {entry.number} ended with {[g[0] for g in generations]}, not [{entry.job_id}]")
        if generations[0][1] != entry.picture:
            raise Violated(f"request {entry.number} ended with a picture that its worker did not hand in")
        self.closed(entry)
        self.received += 1

    def closed(self, entry: Entry) -> None:
        """A delivered request whose picture nobody reads."""
        if not entry.is_delivered:
            raise Violated(f"request {entry.number} ended without a delivery")
        del self._open[entry.number]

    def check_nothing_is_lost(self, *, waiting_on_server: int) -> None:
        """Nothing is on its way, and exactly what we believe to wait waits."""
        lost = [entry.number for entry in self._open.values() if entry.job_id or not entry.request_id]
        if lost:
            raise Violated(f"{len(lost)} requests never ended, such as request {lost[0]}")
        if waiting_on_server != self.waiting:
            raise Violated(f"{self.waiting} requests should wait, and the server says {waiting_on_server}")

    def check_paid(self, key: str, balance: float, *, opening: float) -> None:
        """The account of this key holds exactly what it held at first and what its workers were told they earned."""
        due = round(opening * KUDOS_SCALE) + self._earned_mk.get(key, 0)
        if round(balance * KUDOS_SCALE) != due:
            raise Violated(f"an owner is due {due / KUDOS_SCALE} kudos, and its account holds {balance}")
