"""Words of progress: the newest, not too often, and the end of what nobody wants."""

import asyncio

import pytest

from horde.worker.backends.base import Progress
from horde.worker.telling import Telling


class Listener:
    """Hears, and says whether it wants more."""

    def __init__(self, *, wants: bool = True) -> None:
        self.heard: list[tuple[str, Progress]] = []
        self.wants = wants
        self.gate = asyncio.Event()
        self.gate.set()

    async def tell(self, job_id: str, progress: Progress) -> bool:
        self.heard.append((job_id, progress))
        await self.gate.wait()
        return self.wants


async def spins(count: int = 10) -> None:
    """Let other tasks run."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_only_the_newest_word_is_told_while_one_is_under_way() -> None:
    listener = Listener()
    listener.gate.clear()
    telling = Telling(listener, ["a"], pause_s=0)
    async with asyncio.timeout(10) as lease, telling.until_made(lease):
        for share in (0.1, 0.2, 0.3):
            telling.tell(Progress(share=share))
            await spins()
        listener.gate.set()
        await spins()

    assert [progress.share for _, progress in listener.heard] == [0.1, 0.3]


async def test_preview_and_text_are_of_the_first_of_a_batch() -> None:
    listener = Listener()
    telling = Telling(listener, ["a", "b"], pause_s=0)
    async with asyncio.timeout(10) as lease, telling.until_made(lease):
        telling.tell(Progress(share=0.5, preview=b"webp", text="half"))
        await spins()

    assert listener.heard == [("a", Progress(share=0.5, preview=b"webp", text="half")), ("b", Progress(share=0.5))]


async def test_lease_of_what_nobody_wants_ends_at_once() -> None:
    telling = Telling(Listener(wants=False), ["a"])

    async def make() -> None:
        async with asyncio.timeout(600) as lease, telling.until_made(lease):
            telling.tell(Progress(share=0.5))
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await make()
    assert not telling.is_wanted
