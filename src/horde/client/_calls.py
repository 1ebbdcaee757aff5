"""Every call to a horde as data: what is sent, and as what the answer is read. No I/O: both clients share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from horde.errors import BadInput
from horde.wire import native, v2, v2_accounts

A = TypeVar("A")

DEFAULT_URL = "http://127.0.0.1:7001"
ANONYMOUS_KEY = "0000000000"
V2 = "/api/v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Generic[A]):
    """One call of a horde."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    answer: type[A]
    body: msgspec.Struct | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_repeatable: bool
    """Whether making it twice does no more than making it once, so that it may be retried."""
    hold_s: float = 0
    """How long the server may hold the answer back because it was asked to."""

    @property
    def content(self) -> bytes | None:
        """The body as it is sent."""
        return None if self.body is None else msgspec.json.encode(self.body)

    @property
    def all_headers(self) -> dict[str, str]:
        """The headers of this call alone; who calls is told by `identity`."""
        typed = {} if self.body is None else {"Content-Type": "application/json"}
        return {**typed, **self.headers}


def identity(api_key: str, client_agent: str) -> dict[str, str]:
    """The headers that say who calls, for every call to the horde itself and for nobody else."""
    return {"apikey": api_key, "Client-Agent": client_agent}


def base_url(address: str) -> str:
    """The address of a horde without a trailing slash; `/api` and `/api/v2`, as other clients want it, are cut off.

    Raises BadInput for what is no http address.
    """
    url = address.strip().rstrip("/").removesuffix("/v2").removesuffix("/api")
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, or a broken IPv6 address
        is_address = False
    if not is_address:
        raise BadInput(f"{address!r} is not the address of a horde.", hint=f"it looks like {DEFAULT_URL}")
    return url


def submit(request: v2.GenerateAsync) -> Call[v2.GenerateAccepted]:
    """Ask for images. Not repeatable: every call that arrives is a request of its own."""
    path = f"{V2}/generate/async"
    return Call(method="POST", path=path, body=request, answer=v2.GenerateAccepted, is_repeatable=False)


def price(request: v2.GenerateAsync) -> Call[v2.DryRun]:
    """Ask what a request would cost, with all checks of a real one."""
    body = msgspec.structs.replace(request, dry_run=True)
    return Call(method="POST", path=f"{V2}/generate/async", body=body, answer=v2.DryRun, is_repeatable=True)


def check(request_id: str) -> Call[v2.CheckAnswer]:
    """How far a request is."""
    path = f"{V2}/generate/check/{quote(request_id, safe='')}"
    return Call(method="GET", path=path, answer=v2.CheckAnswer, is_repeatable=True)


def status(request_id: str) -> Call[v2.StatusAnswer]:
    """How far a request is, with its pictures. A server allows ten of these a minute."""
    path = f"{V2}/generate/status/{quote(request_id, safe='')}"
    return Call(method="GET", path=path, answer=v2.StatusAnswer, is_repeatable=True)


def cancel(request_id: str) -> Call[v2.StatusAnswer]:
    """Cancel what of a request still waits."""
    path = f"{V2}/generate/status/{quote(request_id, safe='')}"
    return Call(method="DELETE", path=path, answer=v2.StatusAnswer, is_repeatable=True)


def register(username: str) -> Call[native.Registered]:
    """Make a pseudonymous account."""
    body = native.Register(username)
    return Call(method="POST", path="/register", body=body, answer=native.Registered, is_repeatable=False)


def worker_named(name: str) -> Call[v2.WorkerAnswer]:
    """What everybody may know of a worker."""
    path = f"{V2}/workers/name/{quote(name, safe='')}"
    return Call(method="GET", path=path, answer=v2.WorkerAnswer, is_repeatable=True)


def worker_faults(worker_id: str) -> Call[list[native.WorkerFault]]:
    """Why a worker gave jobs back lately."""
    path = f"/api/workers/{quote(worker_id, safe='')}/faults"
    return Call(method="GET", path=path, answer=list[native.WorkerFault], is_repeatable=True)


def account() -> Call[v2_accounts.UserAnswer]:
    """The account of the key that calls."""
    return Call(method="GET", path=f"{V2}/find_user", answer=v2_accounts.UserAnswer, is_repeatable=True)


def transfer(username: str, amount: int, key: str) -> Call[v2_accounts.Transferred]:
    """Give kudos away. Repeatable: with its key it takes effect once, however often it arrives."""
    return Call(
        method="POST",
        path=f"{V2}/kudos/transfer",
        body=v2_accounts.Transfer(username=username, amount=amount),
        answer=v2_accounts.Transferred,
        headers={"Idempotency-Key": key},
        is_repeatable=True,
    )


def share(wanted: v2_accounts.SharedKeyChange) -> Call[v2_accounts.SharedKeyAnswer]:
    """Make a shared key. Not repeatable: each call makes another one."""
    path = f"{V2}/sharedkeys"
    return Call(method="PUT", path=path, body=wanted, answer=v2_accounts.SharedKeyAnswer, is_repeatable=False)


def shared_key(key_id: str) -> Call[v2_accounts.SharedKeyAnswer]:
    """What a shared key allows."""
    path = f"{V2}/sharedkeys/{quote(key_id, safe='')}"
    return Call(method="GET", path=path, answer=v2_accounts.SharedKeyAnswer, is_repeatable=True)


def unshare(key_id: str) -> Call[v2_accounts.Done]:
    """Delete a shared key. Not repeatable: the second call would be told that there is no such key."""
    path = f"{V2}/sharedkeys/{quote(key_id, safe='')}"
    return Call(method="DELETE", path=path, answer=v2_accounts.Done, is_repeatable=False)


def statement(
    *,
    kind: native.EntryKind | None,
    since: datetime | None,
    until: datetime | None,
    request_id: str | None,
    before: int | None,
    limit: int,
) -> Call[native.Statement]:
    """A page of what moved in the account of the key that calls."""
    words = {
        "kind": kind,
        "since": since.isoformat() if since else None,
        "until": until.isoformat() if until else None,
        "request": request_id,
        "before": before,
        "limit": limit,
    }
    query = urlencode({name: word for name, word in words.items() if word is not None})
    path = f"/api/kudos/statement?{query}"
    return Call(method="GET", path=path, answer=native.Statement, is_repeatable=True)


def workers() -> Call[list[v2.WorkerAnswer]]:
    """The workers that are online."""
    return Call(method="GET", path=f"{V2}/workers", answer=list[v2.WorkerAnswer], is_repeatable=True)


def models() -> Call[list[v2.ModelAnswer]]:
    """The models that somebody offers or waits for."""
    return Call(method="GET", path=f"{V2}/status/models", answer=list[v2.ModelAnswer], is_repeatable=True)


def heartbeat() -> Call[v2.HeartbeatAnswer]:
    """Whether the horde can do its work."""
    path = f"{V2}/status/heartbeat"
    return Call(method="GET", path=path, answer=v2.HeartbeatAnswer, is_repeatable=True)
