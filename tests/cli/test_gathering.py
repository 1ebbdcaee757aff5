"""An answer leaves in one piece, whole and in order, whatever becomes of the connection."""

import asyncio
from collections.abc import Iterable

import pytest

from horde.cli.gathering import AT_ONCE_BYTES_MAX, gathering


class Wire(asyncio.Transport):
    """A connection that remembers what it was handed, piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.is_closed = False

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        assert not self.is_closed
        self.pieces.append(b"".join(list_of_data))

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


class Speaker(asyncio.Protocol):
    """Has a transport."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport


@pytest.fixture
def wire() -> Wire:
    return Wire()


async def spoken_to(wire: Wire) -> asyncio.Transport:
    """What a protocol that gathers writes to."""
    speaker = gathering(Speaker)()
    speaker.connection_made(wire)
    assert isinstance(speaker, Speaker)
    return speaker.transport


async def test_what_is_written_in_one_round_goes_out_in_one_piece(wire: Wire) -> None:
    transport = await spoken_to(wire)

    transport.write(b"head ")
    transport.write(b"body")
    assert wire.pieces == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)

    assert wire.pieces == [b"head body", b"next"]


async def test_what_was_written_goes_out_before_the_connection_closes(wire: Wire) -> None:
    transport = await spoken_to(wire)

    transport.write(b"goodbye")
    transport.close()
    await asyncio.sleep(0)

    assert (wire.pieces, wire.is_closed) == ([b"goodbye"], True)


async def test_connection_that_was_lost_takes_nothing_more(wire: Wire) -> None:
    transport = await spoken_to(wire)

    transport.write(b"too late")
    wire.close()
    await asyncio.sleep(0)

    assert wire.pieces == []


async def test_much_is_handed_on_before_the_round_ends(wire: Wire) -> None:
    transport = await spoken_to(wire)

    transport.write(b"head")
    transport.write(bytes(AT_ONCE_BYTES_MAX))
    assert [len(piece) for piece in wire.pieces] == [AT_ONCE_BYTES_MAX + 4]
    transport.write(b"tail")
    await asyncio.sleep(0)

    assert wire.pieces[1:] == [b"tail"]
