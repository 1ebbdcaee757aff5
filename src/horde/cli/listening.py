"""The address of a server: whether it can listen there, found out before anything starts, and sharing it."""

from __future__ import annotations

import errno
import socket
import sys
from dataclasses import dataclass

import psutil

from horde.cli.output import CommandFailed


def check_can_listen(host: str, port: int) -> None:
    """Raise CommandFailed, in words for the person, where a server could not listen at this address."""
    for place in _places(host, port):
        _bound(place, host, port).close()


def may_share_ports() -> bool:
    """Whether several processes can listen at one address on this system. Not on Windows."""
    return hasattr(socket, "SO_REUSEPORT")


def shared_listeners(host: str, port: int) -> list[socket.socket]:
    """Sockets for this address at which other processes of this account may listen too, and each gets its share.

    Raises CommandFailed where that cannot be.

    Each process binds a socket of its own, and the system deals connections out by a hash. The other way, one
    socket that all inherit, gives a connection to whoever wakes first. Measured with uvloop on two cores, 64
    keep-alive connections over two processes that both have work: 31:33, 30:34, 27:37 with sockets of their
    own, 8:56, 14:50, 6:58 with an inherited one; a burst over four left one or two of them idle there. What it
    costs: connections that a killed process had not taken yet are reset. macOS deals nothing out this way and
    lets one process take nearly all.
    """
    return [_bound(place, host, port, is_shared=True) for place in _places(host, port)]


@dataclass(frozen=True, slots=True)
class _Place:
    family: socket.AddressFamily
    kind: socket.SocketKind
    protocol: int
    address: tuple[object, ...]


def _places(host: str, port: int) -> list[_Place]:
    """The socket addresses that a name stands for: `localhost` is two on most machines."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise CommandFailed(
            f"no address belongs to the host {host!r}: {error.strerror}",
            hint="--host takes a name or address of this machine, such as 127.0.0.1",
        ) from error
    return [_Place(family, kind, protocol, address) for family, kind, protocol, _, address in found]


def _bound(place: _Place, host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    listener = socket.socket(place.family, place.kind, place.protocol)
    try:
        if sys.platform != "win32":
            # As the server does: connections that have ended do not hold the port. On Windows the same
            # word would let two servers listen at once.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if place.family == socket.AF_INET6:
            # As the server does: the address of the older kind is a place of its own.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(place.address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> CommandFailed:
    if error.errno == errno.EADDRINUSE:
        return CommandFailed(
            f"port {port} on {host} is taken{_by_whom(port)}",
            hint=f"stop what listens there, or choose another port: --port {port + 1}",
        )
    if error.errno == errno.EACCES:
        return CommandFailed(
            f"port {port} on {host} may not be used by this account",
            hint="choose a port above 1023: --port 7001",
        )
    return CommandFailed(
        f"a server cannot listen on {host}, port {port}: {error.strerror}",
        hint="--host takes an address of this machine, such as 127.0.0.1",
    )


def _by_whom(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            is_there = getattr(connection.laddr, "port", None) == port
            if is_there and connection.status == psutil.CONN_LISTEN and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass  # another account's process; its name is a courtesy
    return ""
