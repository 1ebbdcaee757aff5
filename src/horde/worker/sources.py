"""Fetches the pictures that a job begins from, before the machine is free for it."""

from __future__ import annotations

import base64
import binascii
from types import TracebackType

import httpx

from horde import __version__
from horde.client import AsyncHorde
from horde.kinds.agents import OUR_AGENT
from horde.net.addresses import PublicOnly, is_private_literal, without_keep_alive
from horde.worker.backends.base import BackendFailed

BYTES_MAX = 20 * 1024 * 1024
"""More than any horde takes for a picture."""
CONNECTIONS = 4
REDIRECTS_MAX = 3
SECONDS_MAX = 20.0
LOCAL_NAMES = ("localhost", ".localhost", ".local", ".lan", ".internal", ".home.arpa")


class SourcePictures:
    """Pictures by link or in base64. A link on a public horde never reaches the owner's own network.

    A horde on one's own network stores its pictures there too, so there any address will do.
    """

    def __init__(self, horde: AsyncHorde) -> None:
        transport: httpx.AsyncBaseTransport = without_keep_alive(connections=CONNECTIONS)
        if not is_local(horde.url):
            transport = PublicOnly(transport)
        self._http = httpx.AsyncClient(
            transport=transport,
            timeout=SECONDS_MAX,
            follow_redirects=True,
            max_redirects=REDIRECTS_MAX,
            headers={"User-Agent": f"{OUR_AGENT}/{__version__}"},
        )

    async def fetch(self, source: str) -> bytes:
        """The bytes of a picture, which nobody has looked at. Raises BackendFailed when they cannot be had."""
        if source.startswith(("http://", "https://")):
            return await self._download(source)
        try:
            return base64.b64decode(source, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BackendFailed(f"a source picture is neither a link nor base64: {error}") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> SourcePictures:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _download(self, link: str) -> bytes:
        host = httpx.URL(link).host
        try:
            async with self._http.stream("GET", link) as response:
                if not response.is_success:
                    raise BackendFailed(f"the source picture at {host} cannot be fetched: {response.status_code}")
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > BYTES_MAX:
                        raise BackendFailed(f"the source picture at {host} has more than {BYTES_MAX:,} bytes")
                return bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise BackendFailed(f"the source picture at {host} cannot be fetched: {reason}") from error


def is_local(url: str) -> bool:
    """Whether a horde's address is one on this machine or network, as far as it says so itself."""
    host = httpx.URL(url).host
    return host.endswith(LOCAL_NAMES) or "." not in host.strip("[]") or is_private_literal(host)
