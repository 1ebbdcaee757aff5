"""Fetch a picture from an address that a stranger named, without becoming his hand inside our own network.

Every hop is looked up, checked and connected to as net/addresses.py does it. Proxies, cookies and passwords of this
machine are not used, and what comes is not unpacked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence

import httpx

from horde.errors import Overloaded
from horde.kinds.image_refusals import SourceImageSizeExceeded, SourceImageUrlInvalid
from horde.net.addresses import AddressRefused, Network, PublicOnly, Resolve, Resolver, without_keep_alive

BYTES_MAX = 5 * 1024 * 1024
TIME_S_MAX = 2.0
"""For all of it: names, connections, redirects and the body. Both as in contract/lifecycle.md, section 2."""
REDIRECTS_MAX = 3
URL_CHARACTERS_MAX = 4096
AT_ONCE_MAX = 32
"""Pictures that one process fetches at the same time; each may take `BYTES_MAX` of memory."""
WAIT_S_MAX = 10.0
HEADERS = {"Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "Stable Horde (source image)"}
PREFIX = "Image validation failed:"


class Fetcher:
    """Fetches for one process; keeps what is dear to make."""

    def __init__(self, resolve: Resolve | None = None, *, time_s_max: float = TIME_S_MAX) -> None:
        self._resolve = resolve or Resolver()
        self._room = asyncio.Semaphore(AT_ONCE_MAX)
        self._time_s_max = time_s_max
        self._trust: ssl.SSLContext | None = None

    async def fetch(self, url: str, *, also_from: Sequence[Network] = ()) -> bytes:
        """What lies at an address of the public internet, or of the networks that the operator named.

        Raises SourceImageUrlInvalid, SourceImageSizeExceeded, and Overloaded when too much is fetched already.
        """
        async with self._in_turn():
            try:
                async with asyncio.timeout(self._time_s_max), self._client(also_from) as client:
                    return await _follow(client, url)
            except TimeoutError as error:
                raise SourceImageUrlInvalid(
                    f"{PREFIX} the URL did not answer within {self._time_s_max:g} s."
                ) from error
            except AddressRefused as error:
                # The same words whatever it is, so that nobody learns from us what there is in our network.
                raise SourceImageUrlInvalid(f"{PREFIX} the URL does not lead to the public internet.") from error
            except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
                raise SourceImageUrlInvalid(f"{PREFIX} the URL cannot be fetched.") from error

    @contextlib.asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_S_MAX):
                await self._room.acquire()
        except TimeoutError as error:
            raise Overloaded from error
        try:
            yield
        finally:
            self._room.release()

    @contextlib.asynccontextmanager
    async def _client(self, also_from: Sequence[Network]) -> AsyncIterator[httpx.AsyncClient]:
        if self._trust is None:
            self._trust = await asyncio.to_thread(httpx.create_ssl_context)
        plain = without_keep_alive(connections=1, verify=self._trust)
        transport = PublicOnly(plain, resolve=self._resolve, also=also_from)
        async with httpx.AsyncClient(
            transport=transport, headers=HEADERS, trust_env=False, timeout=self._time_s_max
        ) as client:
            yield client


async def _follow(client: httpx.AsyncClient, text: str) -> bytes:
    url = _parsed(text)
    for _ in range(REDIRECTS_MAX + 1):
        async with client.stream("GET", url) as answer:
            if not answer.has_redirect_location:
                return await _content(answer)
            # Only the text of the address is taken over, and it is checked as the first one was.
            url = _parsed(str(url.join(answer.headers["Location"])))
        client.cookies.clear()
    raise SourceImageUrlInvalid(f"{PREFIX} the URL redirects more than {REDIRECTS_MAX} times.")


def _parsed(text: str) -> httpx.URL:
    if len(text) > URL_CHARACTERS_MAX:
        raise SourceImageUrlInvalid(
            f"{PREFIX} the URL has {len(text)} characters; up to {URL_CHARACTERS_MAX} are taken."
        )
    url = httpx.URL(text)
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceImageUrlInvalid(f"{PREFIX} only URLs that begin with http:// or https:// are fetched.")
    if url.userinfo:
        raise SourceImageUrlInvalid(f"{PREFIX} a URL with a password in it is not fetched.")
    return url


async def _content(answer: httpx.Response) -> bytes:
    if not answer.is_success:
        raise SourceImageUrlInvalid(f"{PREFIX} the URL answers {answer.status_code}.")
    said = answer.headers.get("Content-Length", "")
    if said.isdecimal() and int(said) > BYTES_MAX:
        raise _too_large(f"is {int(said):,} bytes large")
    content = bytearray()
    async for chunk in answer.aiter_raw():
        content += chunk
        if len(content) > BYTES_MAX:
            raise _too_large("is larger")
    return bytes(content)


def _too_large(words: str) -> SourceImageSizeExceeded:
    return SourceImageSizeExceeded(f"{PREFIX} what lies at the URL {words}; up to {BYTES_MAX:,} bytes are fetched.")
