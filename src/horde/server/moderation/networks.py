"""Addresses, and the networks that are kept out. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from horde.errors import BadInput

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

IPV6_SITE_BITS = 64
"""Whoever has one address of IPv6 has all that begin with the same bits."""
ADDRESSES_REMEMBERED = 4096


def address(text: str) -> Address:
    """An address, as IPv4 where it only wraps one. Raises BadInput."""
    found = known_address(text)
    if found is None:
        raise BadInput(f"{text[:80]!r} is not an IP address.")
    return found


@lru_cache(maxsize=ADDRESSES_REMEMBERED)
def known_address(text: str) -> Address | None:
    """As `address`, with None for what is none: the server may not know where a call comes from."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return found if isinstance(found, IPv4Address) else found.ipv4_mapped or found


def network(text: str) -> Network:
    """An address, or a network by any address in it. Raises BadInput for what is neither."""
    try:
        return ip_network(address(text)) if "/" not in text else ip_network(text, strict=False)
    except (ValueError, BadInput):
        raise BadInput(f"{text[:80]!r} is neither an IP address nor a network such as 192.0.2.0/24.") from None


def site(found: Address) -> Network:
    """The addresses of whoever has this one: of IPv6 the /64 around it."""
    return ip_network((found, IPV6_SITE_BITS if found.version == 6 else 32), strict=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A network that is kept out for a time."""

    network: Network
    is_timeout: bool
    """Whether it follows from a refused prompt; else a moderator set it."""
    ends_at: datetime

    def remaining(self, now: datetime) -> timedelta:
        """How long it holds from now on."""
        return self.ends_at - now


class Networks:
    """Blocks, found by the addresses in them: one look for each length of prefix, however many there are."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self.all = list(blocks)
        self._lengths: defaultdict[tuple[int, int], defaultdict[int, list[Block]]] = defaultdict(
            lambda: defaultdict(list)
        )
        for block in self.all:
            found = block.network
            by_start = self._lengths[found.version, found.max_prefixlen - found.prefixlen]
            by_start[int(found.network_address)].append(block)

    def around(self, found: Address, now: datetime) -> Iterator[Block]:
        """The blocks that this address is in and that still hold."""
        number = int(found)
        for (version, bits), by_start in self._lengths.items():
            if version == found.version:
                for block in by_start.get(number >> bits << bits, ()):
                    if block.ends_at > now:
                        yield block
