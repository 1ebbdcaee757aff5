"""The client for programs that wait for their answers."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Unpack
from uuid import uuid4

import httpx

from horde.client import _calls
from horde.client._answers import Answer, failure, read
from horde.client._calls import A, Call
from horde.client._http import DIRECT, patience, unanswered
from horde.client._requests import ImageOptions, checked, image_request
from horde.client._retry import Failed, Retries
from horde.client.agent import CLIENT_AGENT
from horde.client.handles import RequestHandle, warnings_of
from horde.wire import native, v2, v2_accounts


class Horde:
    """A horde, seen by one caller. Safe to share between threads.

    `url` is its address without `/api`; `api_key` says who asks, the default is everybody's anonymous key.
    Calls that are safe to repeat are, within the bounds of `retries`. `sleep` and `clock` are for tests.
    Every call raises Unreachable when nobody answers, and a HordeError of its own for each refusal.
    """

    def __init__(
        self,
        url: str = _calls.DEFAULT_URL,
        api_key: str = _calls.ANONYMOUS_KEY,
        *,
        client_agent: str = CLIENT_AGENT,
        retries: Retries | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = _calls.base_url(url)
        self.sleep = sleep
        self.clock = clock
        self._retries = retries or Retries()
        self._identity = _calls.identity(api_key, client_agent)
        # The key goes with each call to the horde and not into the connection's own headers: links to pictures may
        # lead to somebody else's machine.
        self._http = httpx.Client(mounts=DIRECT)
        # So that a short program may leave out `with`.
        self._finalizer = weakref.finalize(self, self._http.close)

    def generate(self, prompt: str, **options: Unpack[ImageOptions]) -> RequestHandle:
        """Ask for pictures of `prompt`. Raises BadInput for values out of their bounds, before anything is sent."""
        return self.submit(image_request(prompt, options))

    def submit(self, request: v2.GenerateAsync) -> RequestHandle:
        """Ask with everything that a horde takes."""
        accepted = self.call(_calls.submit(checked(request)))
        return RequestHandle(accepted.id, self, price=accepted.kudos, warnings=warnings_of(accepted))

    def request(self, request_id: str) -> RequestHandle:
        """A request that was made before, perhaps by another program; the horde is not asked about it yet."""
        return RequestHandle(request_id, self)

    def price(self, request: v2.GenerateAsync) -> float:
        """The kudos that a request would cost, which is checked and not made."""
        return self.call(_calls.price(checked(request))).kudos

    def register(self, username: str) -> native.Registered:
        """Make an account; its key is shown this once."""
        return self.call(_calls.register(username))

    def worker_named(self, name: str) -> v2.WorkerAnswer:
        """The worker of exactly this name, online or not."""
        return self.call(_calls.worker_named(name))

    def worker_faults(self, worker_id: str) -> list[native.WorkerFault]:
        """Why a worker of one's own gave jobs back lately, the newest first; moderators ask for any."""
        return self.call(_calls.worker_faults(worker_id))

    def account(self) -> v2_accounts.UserAnswer:
        """Who the key belongs to, and the kudos there."""
        return self.call(_calls.account())

    def statement(
        self,
        *,
        kind: native.EntryKind | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        request_id: str | None = None,
        before: int | None = None,
        limit: int = native.STATEMENT_LIMIT,
    ) -> native.Statement:
        """What moved in the account of the key, the newest first, and the kudos there now.

        Only of a `kind`, `since` a moment, `until` before one, or of one request. A page has 500 entries at most; its
        `next_before` is `before` of the next one.
        """
        return self.call(
            _calls.statement(kind=kind, since=since, until=until, request_id=request_id, before=before, limit=limit)
        )

    def transfer(self, username: str, amount: int, *, key: str | None = None) -> float:
        """Give `amount` whole kudos to `alias#id`; returns what was given. With the same `key` it is done once."""
        return (self.call(_calls.transfer(username, amount, key or str(uuid4())))).transferred

    def share(
        self,
        *,
        kudos: int = 5000,
        days: int = -1,
        name: str = "",
        max_image_pixels: int = -1,
        max_image_steps: int = -1,
        max_text_tokens: int = -1,
    ) -> v2_accounts.SharedKeyAnswer:
        """Make a key with which others ask at your cost, within its limits; -1: there is none."""
        wanted = v2_accounts.SharedKeyChange(
            kudos=kudos,
            expiry=days,
            name=name,
            max_image_pixels=max_image_pixels,
            max_image_steps=max_image_steps,
            max_text_tokens=max_text_tokens,
        )
        return self.call(_calls.share(wanted))

    def shared_key(self, key_id: str) -> v2_accounts.SharedKeyAnswer:
        """What a shared key allows, and what is left of it."""
        return self.call(_calls.shared_key(key_id))

    def unshare(self, key_id: str) -> None:
        """Delete a shared key of yours."""
        self.call(_calls.unshare(key_id))

    def workers(self) -> list[v2.WorkerAnswer]:
        """The workers that are online."""
        return self.call(_calls.workers())

    def models(self) -> list[v2.ModelAnswer]:
        """The models that somebody offers or waits for."""
        return self.call(_calls.models())

    def heartbeat(self) -> v2.HeartbeatAnswer:
        """Whether the horde can do its work."""
        return self.call(_calls.heartbeat())

    def call(self, call: Call[A]) -> A:
        """Make any call; again when it brought nothing and may be repeated."""
        try:
            if not call.is_repeatable:
                return self._once(call)
            return self._retries.caller()(self._retries.pause, self._once, call)
        except Failed as failed:
            raise failed.error from failed.__cause__

    def download(self, link: str) -> bytes:
        """The content behind a link that the horde gave, fetched without the key."""
        try:
            return self._retries.caller()(self._retries.pause, self._fetched, link)
        except Failed as failed:
            raise failed.error from failed.__cause__

    def close(self) -> None:
        """Close the connections. Safe to call twice."""
        self._finalizer()

    def __enter__(self) -> Horde:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _once(self, call: Call[A]) -> A:
        headers = {**self._identity, **call.all_headers}
        answer = self._sent(call.method, self.url + call.path, call.content, headers, call.hold_s)
        return read(call, answer)

    def _fetched(self, link: str) -> bytes:
        answer = self._sent("GET", link)
        if answer.status != httpx.codes.OK:
            raise failure(answer, "The link to a picture")
        return answer.content

    def _sent(
        self,
        method: str,
        url: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        hold_s: float = 0,
    ) -> Answer:
        try:
            timeout = patience(hold_s)
            response = self._http.request(method, url, content=content, headers=headers, timeout=timeout)
        except httpx.TransportError as error:
            raise unanswered(url, error) from error
        return Answer(status=response.status_code, headers=response.headers, content=response.content)
