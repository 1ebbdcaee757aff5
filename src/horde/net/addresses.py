"""Calls to addresses that strangers name never reach what only our own network can.

The address that was looked at is the one that is connected to: a name that says something else the second time (DNS
rebinding) gains nothing. Knows httpx and nothing else of ours.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

ADDRESSES_MAX = 4
"""Of a name with more addresses, so many are tried."""
NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""Addresses that a translator turns into the IPv4 address in their last 32 bits (RFC 6052, RFC 8215)."""

LOOKUP_THREADS = 8

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""(host, port) -> its addresses, the best first. Raises OSError."""


class AddressRefused(httpx.TransportError):
    """The host has an address that only our own network can reach, or one that is nobody's."""


def is_public(address: str, *, also: Sequence[Network] = ()) -> bool:
    """Whether this is the address of one machine that the whole Internet can reach, or `also` in one of those networks.

    Looks into what only wraps an IPv4 address: mapped ones, 6to4, Teredo, and NAT64. Raises ValueError for what is no
    address.
    """
    found = ip_address(address)
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner), also=also)
    if any(found in network for network in also):
        return True
    if isinstance(found, IPv6Address) and found.is_site_local:
        return False  # which Python takes for global: nobody has them since RFC 3879
    return found.is_global and not found.is_multicast and not found.is_reserved


def _inner(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def refuse_private(host: str, addresses: Sequence[str], *, also: Sequence[Network] = ()) -> None:
    """Raises AddressRefused unless all these addresses of the host are public, as `is_public` has it.

    A single one that is not is no accident.
    """
    for address in addresses:
        if not is_public(address, also=also):
            raise AddressRefused(f"{host} has the address {address}, which is not a public one.")


def is_private_literal(host: str) -> bool:
    """Whether the host is written as an address, and one that is not public. A name is nobody's yet: False."""
    try:
        return not is_public(host.strip("[]"))
    except ValueError:
        return False


class Resolver:
    """Asks the system for addresses in threads of its own: a slow name server holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")

    async def __call__(self, host: str, port: int) -> list[str]:
        """The addresses of a host as the system knows them, the best first. Raises OSError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, addresses_of, host, port)


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses of a host as the system knows them, the best first; may take a while. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class PublicOnly(httpx.AsyncBaseTransport):
    """Looks a host up, refuses it where an address of it is not public, and connects to the address that it looked at.

    The name stays what TLS asks for and what `Host` says. Over `inner` no connection may be kept for a second call: it
    would be found again by address, though it was made for another name (`without_keep_alive`).
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, *, resolve: Resolve | None = None, also: Sequence[Network] = ()
    ) -> None:
        self._inner = inner
        self._resolve = resolve or Resolver()
        self._also = also

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused, and what httpx raises."""
        for address in (addresses := await self._addresses(request)):
            try:
                return await self._inner.handle_async_request(_led_to(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Nothing was sent yet. A machine without IPv6 still learns of such addresses.
                if address == addresses[-1]:
                    raise
        raise AssertionError("there is at least one address")

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()

    async def _addresses(self, request: httpx.Request) -> Sequence[str]:
        try:
            found = await self._resolve(request.url.raw_host.decode("ascii"), _port(request.url))
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{request.url.host} is not known: {error}", request=request) from error
        return _allowed(request, found, self._also)


class PublicOnlyInThread(httpx.BaseTransport):
    """The same as `PublicOnly` for calls that block, over connections of its own."""

    def __init__(self, *, also: Sequence[Network] = ()) -> None:
        self._inner = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
        self._also = also

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused, and what httpx raises."""
        try:
            found = addresses_of(request.url.raw_host.decode("ascii"), _port(request.url))
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{request.url.host} is not known: {error}", request=request) from error
        for address in (addresses := _allowed(request, found, self._also)):
            try:
                return self._inner.handle_request(_led_to(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("there is at least one address")

    def close(self) -> None:
        """Close what is below."""
        self._inner.close()


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _allowed(request: httpx.Request, found: Sequence[str], also: Sequence[Network]) -> Sequence[str]:
    if not found:
        raise httpx.ConnectError(f"{request.url.host} has no address.", request=request)
    refuse_private(request.url.host, found[:ADDRESSES_MAX], also=also)
    return found[:ADDRESSES_MAX]


def _led_to(address: str, request: httpx.Request) -> httpx.Request:
    # Another request: what the caller has is what redirects go on from, by the name.
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )


def without_keep_alive(*, connections: int, verify: ssl.SSLContext | bool = True) -> httpx.AsyncHTTPTransport:
    """A transport of httpx that makes a new connection for every call, and so many at once at the most."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=0)
    return httpx.AsyncHTTPTransport(verify=verify, limits=limits)
