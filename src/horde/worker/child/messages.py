"""What a worker and its child say to each other, and how it goes through a pipe.

A frame is its length in four bytes, highest first, then a message in MessagePack. Both sides are of one version.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

import msgspec
from msgspec import Raw

from horde.worker.backends.base import Progress

HEADER: Final = struct.Struct(">I")
FRAME_BYTES_MAX: Final = 1 << 30
"""More than the pictures of any order; a longer frame is noise on the pipe."""


class Begin(msgspec.Struct, tag=True, frozen=True):
    """The first message: what to make, and where modules are found."""

    factory: str
    """`package.module:factory`."""
    settings: dict[str, object]
    """Its keyword arguments."""
    path: list[str]
    """The parent's `sys.path`: what it can import, its child can."""


class Order(msgspec.Struct, tag=True, frozen=True):
    """Do this, and nothing else before it is answered."""

    number: int
    order: Raw


class Stop(msgspec.Struct, tag=True, frozen=True):
    """Nobody waits for the order any more; it is still to be answered."""

    number: int


class Loaded(msgspec.Struct, tag=True, frozen=True):
    """Ready for orders."""

    abilities: Raw


class Refused(msgspec.Struct, tag=True, frozen=True):
    """It cannot be loaded; the child ends."""

    reason: str


class Told(msgspec.Struct, tag=True, frozen=True):
    """How far the order is."""

    number: int
    progress: Progress


class Made(msgspec.Struct, tag=True, frozen=True):
    """The results of the order."""

    number: int
    results: Raw


class Failed(msgspec.Struct, tag=True, frozen=True):
    """The order came to nothing."""

    number: int
    reason: str
    is_memory: bool


ToChild = Begin | Order | Stop
FromChild = Loaded | Refused | Told | Made | Failed


def frame(message: ToChild | FromChild) -> bytes:
    """A message as it goes through the pipe."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


def length(header: bytes) -> int:
    """How many bytes follow this header. Raises ValueError when it is none."""
    (size,) = HEADER.unpack(header)
    assert isinstance(size, int)
    if size > FRAME_BYTES_MAX:
        raise ValueError(f"a message of {size} bytes was announced; at most {FRAME_BYTES_MAX} are taken")
    return size


def from_child(body: bytes) -> FromChild:
    """What a child said. Raises msgspec.MsgspecError for anything else."""
    message: FromChild = msgspec.msgpack.decode(body, type=FromChild)
    return message


def read(pipe: BinaryIO) -> ToChild | None:
    """The parent's next message, waiting for it; None when the parent is gone."""
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    size = length(header)
    body = pipe.read(size)
    if len(body) < size:
        return None
    message: ToChild = msgspec.msgpack.decode(body, type=ToChild)
    return message
