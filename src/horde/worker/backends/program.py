"""The HTTP of a program that the owner of a worker runs: how it is asked, and what its failures are to us.

Used by the back ends that make nothing themselves. The program is the owner's, so what it answers is not taken for
hostile; but it may be away, busy, of another version or another program altogether, and each of these is said.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias, TypeVar

import httpx
import httpx_sse
import msgspec
import structlog

from horde.worker.backends.base import BackendFailed, OutOfMemory

log = structlog.get_logger("worker")

CONNECT_S_MAX = 10.0
SILENCE_S_MAX = 600.0
"""How long a program may say nothing: it may load a model of many gigabytes from a slow disk meanwhile. The worker
cancels an order when its lease ends, so this only catches programs that hang while nobody waits."""
LOOK_AGAIN_S = 2.0
"""Between two looks at a program that is away or busy. Its owner would not like more, nor his worker less."""
REASON_LENGTH_MAX = 500
OUT_OF_MEMORY = re.compile(r"out ?of ?memory", re.IGNORECASE)
"""How PyTorch says it, in a sentence or as the name of its error."""

T = TypeVar("T")
Free: TypeAlias = Callable[[], Awaitable[bool]]


class ProgramAway(BackendFailed):
    """The program did not answer at all."""


class ProgramRefused(BackendFailed):
    """The program answered with a status that says no."""

    def __init__(self, message: str, response: httpx.Response) -> None:
        super().__init__(message)
        self.status = response.status_code
        self.content = response.content


class Program:
    """One program at one address. `title` is its name in messages."""

    def __init__(self, title: str, url: str, *, key: str | None = None, login: tuple[str, str] | None = None) -> None:
        self.title = title
        self.url = url.rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=self.url,
            auth=login,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(SILENCE_S_MAX, connect=CONNECT_S_MAX),
            # No proxy of the environment can reach a program on this machine or in this network.
            trust_env=not _is_near(self.url),
        )

    async def get(self, path: str, shape: type[T], **query: str) -> T:
        """Ask for what is there. Raises BackendFailed."""
        return self._read(await self._answer("GET", path, params=query), shape)

    async def post(self, path: str, body: object, shape: type[T]) -> T:
        """Have something done. Raises BackendFailed."""
        return self._read(await self._answer("POST", path, json=body), shape)

    async def tell(self, path: str, body: object) -> None:
        """Have something done whose answer is of no interest. Raises BackendFailed."""
        await self._answer("POST", path, json=body)

    async def file(self, path: str, **query: str) -> bytes:
        """The bytes of a file. Raises BackendFailed."""
        return (await self._answer("GET", path, params=query)).content

    async def upload(
        self, path: str, name: str, content: bytes, shape: type[T], fields: Mapping[str, str] | None = None
    ) -> T:
        """Send a picture as a form would. Raises BackendFailed."""
        return self._read(await self._answer("POST", path, files={"image": (name, content)}, data=fields), shape)

    @asynccontextmanager
    async def events(self, path: str, body: object) -> AsyncIterator[AsyncIterator[str]]:
        """Have something done and read the data of the events that come meanwhile. Raises BackendFailed.

        Leaving the block closes the connection, by which most programs know that nobody waits any more.
        """
        with self._failures():
            async with httpx_sse.aconnect_sse(self._client, "POST", path, json=body) as source:
                if source.response.is_error:
                    await source.response.aread()
                self._check(source.response)
                yield self._data(source)

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def _data(self, source: httpx_sse.EventSource) -> AsyncIterator[str]:
        with self._failures():
            async for event in source.aiter_sse():
                yield event.data

    async def _answer(self, method: str, path: str, **words: object) -> httpx.Response:
        with self._failures():
            response = await self._client.request(method, path, **words)  # type: ignore[arg-type]  # handed on as given
        self._check(response)
        return response

    def _check(self, response: httpx.Response) -> None:
        if not response.is_error:
            return
        reason = reason_of(response)
        if OUT_OF_MEMORY.search(response.text):
            raise OutOfMemory(f"{self.title} is out of memory: {reason}")
        raise ProgramRefused(f"{self.title} refuses, {response.status_code}: {reason}", response)

    def _failures(self) -> _Failures:
        return _Failures(self.title, self.url)

    def _read(self, response: httpx.Response, shape: type[T]) -> T:
        try:
            return msgspec.json.decode(response.content, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            what = f"{self.url}{response.url.path}"
            raise BackendFailed(f"{what} does not answer as {self.title} does: {error}") from error


class _Failures:
    """Turns what httpx raises into what a person can read."""

    def __init__(self, title: str, url: str) -> None:
        self._title = title
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.TransportError):
            reason = str(error) or type(error).__name__
            raise ProgramAway(f"{self._title} does not answer at {self._url}: {reason}") from error
        if isinstance(error, httpx_sse.SSEError | httpx.DecodingError | httpx.InvalidURL):
            raise BackendFailed(f"{self._url} does not answer as {self._title} does: {error}") from error


def reason_of(response: httpx.Response) -> str:
    """What a refusal says, in whichever of the customary places it says it."""
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        body = response.text
    for place in ("errors", "error", "detail", "message", "msg"):
        if isinstance(body, dict) and body.get(place):
            body = body[place]
    text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
    return text[:REASON_LENGTH_MAX] or response.reason_phrase


class Own:
    """How many orders of ours a program has: what it does for us is no sign that its owner uses it."""

    def __init__(self) -> None:
        self.count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While this block lasts, the program has one order more."""
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


async def until_free(title: str, is_free: Free, *, look_again_s: float = LOOK_AGAIN_S) -> None:
    """Wait until a program answers and says that it has nothing to do. Says once in the log what it waits for."""
    told = False
    while True:
        try:
            if await is_free():
                return
            reason = "it works for its owner"
        except BackendFailed as error:
            reason = str(error)
        if not told:
            log.info("waiting for the program", program=title, reason=reason)
            told = True
        await asyncio.sleep(look_again_s)


def _is_near(url: str) -> bool:
    host = httpx.URL(url).host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or "." not in host
    return address.is_loopback or address.is_private
