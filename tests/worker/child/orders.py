"""Orders for the engines of these tests, and watching what becomes of them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from horde.worker.backends.base import ImageAbilities, ImageOrder, Picture, Progress
from horde.worker.child.engine import IMAGES
from horde.worker.child.host import Children, Patience

ImageChildren = Children[ImageAbilities, ImageOrder, Picture]
PATIENCE = Patience(load_s_max=60, stop_s_max=30)


def order(prompt: str, *, seeds: tuple[int, ...] = (1,), payload: Mapping[str, object] | None = None) -> ImageOrder:
    return ImageOrder(
        model="obedience",
        prompt=prompt,
        negative_prompt="",
        width=64,
        height=64,
        steps=2,
        seeds=seeds,
        payload=payload or {},
    )


async def at_once(_pause_s: float) -> None:
    """Waits for nothing: no pause of a test is worth its time."""


@asynccontextmanager
async def started(
    engine: str = "Obedient",
    settings: Sequence[Mapping[str, object]] = ({},),
    *,
    patience: Patience = PATIENCE,
    sleep: Callable[[float], Awaitable[object]] = at_once,
) -> AsyncIterator[ImageChildren]:
    children = Children(IMAGES, f"tests.worker.child.engines:{engine}", settings, patience=patience, sleep=sleep)
    try:
        await children.start()
        yield children
    finally:
        await children.close()


class Working:
    """An order that is being worked on."""

    def __init__(self, children: ImageChildren, prompt: str) -> None:
        self._begun = asyncio.Event()
        self.progress: list[Progress] = []
        self.task = asyncio.create_task(self._work(children, prompt))

    async def begun(self) -> None:
        """Wait until the child is in the middle of it."""
        async with asyncio.timeout(30):
            await self._begun.wait()

    async def _work(self, children: ImageChildren, prompt: str) -> Sequence[Picture]:
        return await children.generate(order(prompt), self._hear)

    def _hear(self, progress: Progress) -> None:
        self.progress.append(progress)
        self._begun.set()


async def pid_of(children: ImageChildren) -> int:
    """The process that does the next order."""
    working = Working(children, "draw")
    return int((await working.task)[0].picture)
