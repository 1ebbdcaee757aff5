"""Whether a server can listen at an address, found out before anything is started."""

from __future__ import annotations

import errno
import socket
import sys

import psutil

from horde.cli.output import CommandFailed


def check_can_listen(host: str, port: int) -> None:
    """Raise CommandFailed, in words for the person, where a server could not listen at this address."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise CommandFailed(
            f"no address belongs to the host {host!r}: {error.strerror}",
            hint="--host takes a name or address of this machine, such as 127.0.0.1",
        ) from error
    for family, kind, protocol, _, address in places:
        with socket.socket(family, kind, protocol) as probe:
            if sys.platform != "win32":
                # As the server does: connections that have ended do not hold the port. On Windows the same
                # word would let two servers listen at once.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as error:
                raise _cannot_listen(host, port, error) from error


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
