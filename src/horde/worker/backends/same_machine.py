"""Whether a program runs on this machine."""

from __future__ import annotations

import socket

import httpx


def is_here(url: str) -> bool:
    """Whether an address is one of this machine's own. Looks names up, which takes a while: call it in a thread."""
    try:
        found = socket.getaddrinfo(httpx.URL(url).host, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return False
    return any(_is_own(family, place) for family, _, _, _, place in found)


def _is_own(
    family: socket.AddressFamily, place: tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
) -> bool:
    # A machine can listen at its own addresses and at no others; nothing is sent.
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as listening:
            listening.bind(place)
    except OSError:
        return False
    return True
