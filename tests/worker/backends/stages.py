"""Every back end that can run in any test, each with what it can be asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from horde.worker.backends import load
from tests.worker.backends.programs.recording import read
from tests.worker.backends.programs.replay import Replay, replayed
from tests.worker.backends.programs.scenes import PLAYS, Order, Play, image_order


class Stage(Protocol):
    """Where a back end is tried."""

    @property
    def scenes(self) -> Mapping[str, Order]:
        """What it can do; one is called `one`."""
        ...

    def act(self, scene: str) -> AbstractAsyncContextManager[Any]:
        """A back end that is not started yet, closed at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Alone:
    """A back end that needs no program."""

    name: str
    scenes: Mapping[str, Order]

    @asynccontextmanager
    async def act(self, scene: str) -> AsyncIterator[Any]:
        backend = load(self.name)
        try:
            yield backend
        finally:
            await backend.close()


@dataclass(frozen=True, slots=True)
class Program:
    """A back end and the recording of its program."""

    play: Play

    @property
    def scenes(self) -> Mapping[str, Order]:
        return {name: order for name, order in self.play.scenes.items() if name not in self.play.failing}

    @asynccontextmanager
    async def act(self, scene: str) -> AsyncIterator[Any]:
        async with self.run(scene) as replay:
            backend = self.play.made(replay.url)
            try:
                yield backend
            finally:
                await backend.close()
        assert replay.unknown == []

    @asynccontextmanager
    async def run(self, scene: str) -> AsyncIterator[Replay]:
        """The program alone."""
        async with replayed(read(self.play.file(scene))) as replay:
            replay.looks_path = self.play.looks_path
            yield replay

    def hold(self, replay: Replay) -> None:
        """Let the program take an order and work on it for ever."""
        replay.held_path, replay.is_silent = self.play.working_path, self.play.working_path is None

    def release(self, replay: Replay) -> None:
        """Let it end the next one."""
        replay.held_path, replay.is_silent = None, False


PROGRAMS: Final = {name: Program(play) for name, play in PLAYS.items()}
# A large picture: a small one is there before the event loop has turned ten times.
DEMO_SCENES: Final = {
    "one": image_order("demo", size=(2048, 2048)),
    "two": image_order("demo", seeds=(7, 8), size=(192, 128)),
}
TINY_SCENES: Final = {
    "one": image_order("tiny-horde"),
    "two": image_order("tiny-horde", seeds=(7, 8), size=(192, 128)),
}
ALONE: Final = {"demo": Alone("demo", DEMO_SCENES), "tiny": Alone("tiny", TINY_SCENES)}
STAGES: Final[dict[str, Stage]] = {**ALONE, **PROGRAMS}
