"""Follows one order in a ComfyUI: its websocket tells how far it is, its history whether it is done.

The websocket is a hint and may be lost; the history is the truth, and is looked at whenever the socket is silent.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from horde.worker.backends.base import BackendFailed, OutOfMemory
from horde.worker.backends.program import OUT_OF_MEMORY, Program

SILENCE_S = 5.0
"""How long the socket may say nothing before the history is asked."""
HISTORY_LAG_S = 0.1
MESSAGE_BYTES_MAX = 32 * 1024 * 1024
"""A preview is a JPEG of at most some hundred kilobytes; owners with other previews get some room."""
PREVIEW_EVENTS = (1,)
"""The number that begins a binary message with a preview: the number, the format, the picture."""
PREVIEW_HEAD = struct.Struct(">II")


class MessageData(msgspec.Struct):
    """What a message is about."""

    prompt_id: str | None = None
    node: str | None = None
    value: float = 0
    max: float = 0


class Message(msgspec.Struct):
    """One message of the socket."""

    type: str
    data: MessageData = msgspec.field(default_factory=MessageData)


class File(msgspec.Struct):
    """A picture that ComfyUI made, as `GET /view` wants it named."""

    filename: str
    subfolder: str = ""
    type: str = "output"


class NodeOutput(msgspec.Struct):
    """What a node gave to be seen."""

    images: list[File] = []


class Status(msgspec.Struct):
    """How an order ended."""

    status_str: str = ""
    completed: bool = False
    messages: list[tuple[str, dict[str, object]]] = []


class Entry(msgspec.Struct):
    """An order in the history."""

    outputs: dict[str, NodeOutput] = {}
    status: Status | None = None


class Queue(msgspec.Struct):
    """The orders that wait or are worked on; the second word of each is its id."""

    queue_running: list[list[object]] = []
    queue_pending: list[list[object]] = []

    def holds(self, prompt_id: str) -> bool:
        """Whether this order is still to be done."""
        return self.runs(prompt_id) or any(prompt_id in entry[:2] for entry in self.queue_pending)

    def runs(self, prompt_id: str) -> bool:
        """Whether this order is worked on."""
        return any(prompt_id in entry[:2] for entry in self.queue_running)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the socket told: how far the node that works now is, or the picture so far."""

    share: float | None = None
    preview: bytes | None = None


@asynccontextmanager
async def watching(comfy: Program, client_id: str, *, silence_s: float = SILENCE_S) -> AsyncIterator[Watch]:
    """Open the socket; without one everything goes on, but for progress and previews."""
    url = f"{comfy.url.replace('http', 'ws', 1)}/ws?clientId={client_id}"
    try:
        connection = await connect(url, max_size=MESSAGE_BYTES_MAX, proxy=None)
    except (OSError, TimeoutError, InvalidHandshake):
        yield Watch(comfy, None, silence_s)
        return
    async with connection:
        yield Watch(comfy, connection, silence_s)


class Watch:
    """The socket of one order."""

    def __init__(self, comfy: Program, connection: ClientConnection | None, silence_s: float) -> None:
        self._comfy = comfy
        self._silence_s = silence_s
        self._connection = connection

    async def follow(self, prompt_id: str) -> AsyncIterator[Seen]:
        """Tell how far an order is, until it has ended, well or not. Raises BackendFailed when it was lost."""
        while True:
            message = await self._message()
            if message is None:
                if await self._has_ended(prompt_id):
                    return
            elif isinstance(message, Seen):
                yield message
            elif message.data.prompt_id == prompt_id:
                if message.type in ("execution_success", "execution_error", "execution_interrupted"):
                    return
                if message.type == "progress" and message.data.max:
                    yield Seen(share=message.data.value / message.data.max)

    async def outcome(self, prompt_id: str) -> list[File]:
        """The pictures of an order that has ended. Raises BackendFailed, OutOfMemory."""
        while not await self._has_ended(prompt_id):  # noqa: ASYNC110 - another program's state has no event here
            # The last message of the socket goes out just before the history is written.
            await asyncio.sleep(HISTORY_LAG_S)
        entry = (await self._comfy.get(f"/history/{prompt_id}", dict[str, Entry]))[prompt_id]
        if entry.status is not None and entry.status.status_str == "error":
            raise _failure(entry.status)
        return [file for output in entry.outputs.values() for file in output.images]

    async def _message(self) -> Message | Seen | None:
        """The next message; None: there is none, or none that can be read."""
        if self._connection is None:
            await asyncio.sleep(self._silence_s)
            return None
        try:
            async with asyncio.timeout(self._silence_s):
                received = await self._connection.recv()
        except TimeoutError:
            return None
        except WebSocketException:
            self._connection = None
            return None
        if isinstance(received, bytes):
            return _preview(received)
        try:
            return msgspec.json.decode(received, type=Message)
        except msgspec.DecodeError:
            return None

    async def _has_ended(self, prompt_id: str) -> bool:
        # The queue first: an order that leaves it in between is then found in the history.
        is_queued = (await self._comfy.get("/queue", Queue)).holds(prompt_id)
        if prompt_id in await self._comfy.get(f"/history/{prompt_id}", dict[str, Entry]):
            return True
        if not is_queued:
            raise BackendFailed("ComfyUI no longer knows the order; it was restarted, or its queue was cleared")
        return False


def _preview(received: bytes) -> Seen | None:
    if len(received) <= PREVIEW_HEAD.size or PREVIEW_HEAD.unpack_from(received)[0] not in PREVIEW_EVENTS:
        return None
    return Seen(preview=received[PREVIEW_HEAD.size :])


def _failure(status: Status) -> BackendFailed:
    for kind, said in status.messages:
        if kind == "execution_interrupted":
            return BackendFailed("the owner of this ComfyUI stopped the order")
        if kind == "execution_error":
            reason = f"{said.get('node_type')}: {said.get('exception_type')}: {said.get('exception_message')}".strip()
            if OUT_OF_MEMORY.search(reason):
                return OutOfMemory(f"ComfyUI is out of memory in {reason}")
            return BackendFailed(f"ComfyUI failed in {reason}")
    return BackendFailed("ComfyUI failed and does not say why")
