"""The inside of a child process: loads an engine, answers orders, and ends as soon as its parent does."""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from importlib import import_module
from typing import BinaryIO, NoReturn, Protocol

import msgspec

from horde.worker.backends.base import BackendFailed, ImageAbilities, ImageOrder, OutOfMemory, Picture, Progress
from horde.worker.child import messages
from horde.worker.child.engine import ORDER_OF, Engine, Stopped

LEFT_TO_THE_PARENT = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Terminals and service managers send them to the whole group; the worker may want to end its job first."""

AnyEngine = Engine[ImageAbilities, ImageOrder, Picture]
"""Of some kind; its orders are decoded by the abilities that it returns."""


class Factory(Protocol):
    """Makes an engine of settings that only it knows."""

    def __call__(self, **settings: object) -> AnyEngine:
        """One engine, which has loaded nothing yet."""
        ...


def run() -> int:
    """Serve the parent at the other end of stdin and stdout; returns the exit status."""
    for name in LEFT_TO_THE_PARENT:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    from_parent, to_parent = _take_pipes()
    begin = messages.read(from_parent)
    if not isinstance(begin, messages.Begin):
        return 0
    say = _Voice(to_parent)
    hearing = _Hearing(from_parent)
    threading.Thread(target=hearing.listen, name="parent", daemon=True).start()
    try:
        engine = _make(begin)
        abilities = engine.load()
    except Exception as error:  # noqa: BLE001 - an engine is foreign code, and the owner is told what it said
        if not isinstance(error, BackendFailed):
            traceback.print_exc()
        say(messages.Refused(_reason(error)))
        return 1
    say(messages.Loaded(msgspec.Raw(msgspec.msgpack.encode(abilities))))
    while True:
        order = hearing.orders.get()
        say(_answer(engine, ORDER_OF[type(abilities)], order, hearing, say))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep both pipes for messages alone: what libraries print, in Python or in C, goes to the error stream."""
    if sys.platform == "win32":
        # Only there do these modules and text mode exist.
        import msvcrt

        msvcrt.setmode(0, os.O_BINARY)
        msvcrt.setmode(1, os.O_BINARY)
    from_parent, to_parent = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(from_parent, "rb"), os.fdopen(to_parent, "wb")


def _make(begin: messages.Begin) -> AnyEngine:
    sys.path[:] = begin.path
    module_name, _, factory_name = begin.factory.partition(":")
    factory: Factory = getattr(import_module(module_name), factory_name)
    return factory(**begin.settings)


class _Voice:
    """Says things to the parent, from the main thread only."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def __call__(self, message: messages.FromChild) -> None:
        try:
            self._pipe.write(messages.frame(message))
            self._pipe.flush()
        except OSError:
            _end()


class _Hearing:
    """Hears the parent while the engine works: takes down what nobody wants any more, and ends with the parent."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe
        self._stopped_number = 0
        self.orders: queue.SimpleQueue[messages.Order] = queue.SimpleQueue()

    def listen(self) -> NoReturn:
        try:
            while (message := messages.read(self._pipe)) is not None:
                if isinstance(message, messages.Order):
                    self.orders.put(message)
                elif isinstance(message, messages.Stop):
                    self._stopped_number = message.number
        finally:
            _end()

    def is_stopped(self, number: int) -> bool:
        return number <= self._stopped_number


def _end() -> NoReturn:
    """End at once, whatever the engine is at: there is nobody left to work for."""
    os._exit(0)


def _answer(
    engine: AnyEngine, order_type: type, order: messages.Order, hearing: _Hearing, say: _Voice
) -> messages.Made | messages.Failed:
    def report(progress: Progress) -> None:
        if hearing.is_stopped(order.number):
            raise Stopped
        say(messages.Told(order.number, progress))

    try:
        results = engine.generate(msgspec.msgpack.decode(order.order, type=order_type), report)
        return messages.Made(order.number, msgspec.Raw(msgspec.msgpack.encode(results)))
    except Stopped:
        return messages.Failed(order.number, "it was stopped", is_memory=False)
    except BackendFailed as error:
        return messages.Failed(order.number, str(error), is_memory=isinstance(error, OutOfMemory))
    except Exception as error:  # noqa: BLE001 - an engine is foreign code, and a failure must cost this order alone
        traceback.print_exc()
        return messages.Failed(order.number, _reason(error), is_memory=isinstance(error, MemoryError))


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, BackendFailed) else f"{type(error).__name__}: {error}"
