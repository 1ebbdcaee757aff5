"""Engines that do what the prompt says, good and bad. They run in children."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from horde.worker.backends.base import BackendFailed, ImageAbilities, ImageOrder, OutOfMemory, Picture, Progress, Report

FOR_EVER = threading.Event()
"""Nobody sets it."""


class Obedient:
    """Its pictures are the number of its process, but for orders to misbehave."""

    def load(self) -> ImageAbilities:
        return ImageAbilities(models=("obedience",), pixels_max=64 * 64)

    def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        report(Progress(share=0.1))
        getattr(self, order.prompt)(report)
        return [Picture(picture=str(os.getpid()).encode(), seed=seed) for seed in order.seeds]

    def draw(self, report: Report) -> None:
        report(Progress(share=0.5, preview=b"half"))

    def hang(self, _report: Report) -> None:
        FOR_EVER.wait()

    def step(self, report: Report) -> None:
        while not FOR_EVER.wait(0.01):
            report(Progress(share=0.2))

    def crash(self, _report: Report) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    def leave(self, _report: Report) -> None:
        os._exit(3)

    def raise_something(self, _report: Report) -> None:
        raise ValueError("there is no such scheduler")

    def refuse(self, _report: Report) -> None:
        raise BackendFailed("no model of this name lies here")

    def refuse_late(self, report: Report) -> None:
        FOR_EVER.wait(0.5)
        self.refuse(report)

    def be_too_big(self, _report: Report) -> None:
        raise OutOfMemory("4096x4096 needs 90 GB, and there are 8 GB")

    def eat_memory(self, _report: Report) -> None:
        raise MemoryError

    def chatter(self, _report: Report) -> None:
        print("loading: 100%", flush=True)  # noqa: T201 - as progress bars do
        os.write(1, b"\xff\xff\xff\xff from a library in C\n")

    def read_input(self, _report: Report) -> None:
        assert sys.stdin.read() == ""

    def spoil_the_pipe(self, _report: Report) -> None:
        for number in range(3, 20):
            with contextlib.suppress(OSError):
                os.write(number, b"\xff\xff\xff\xff")
        FOR_EVER.wait()


class Unwilling(Obedient):
    """Cannot be loaded, in the way that is said."""

    def __init__(self, *, way: str) -> None:
        self._way = way

    def load(self) -> ImageAbilities:
        getattr(self, self._way)(lambda _progress: None)
        return super().load()


class WilledOnce(Obedient):
    """Loads the first time; refuses the next `refusals` times."""

    def __init__(self, *, diary: str, refusals: int) -> None:
        self._diary = Path(diary)
        self._refusals = refusals

    def load(self) -> ImageAbilities:
        loads = len(self._diary.read_text()) if self._diary.exists() else 0
        self._diary.write_text("." * (loads + 1))
        if 1 <= loads <= self._refusals:
            raise BackendFailed("the card is gone")
        return super().load()


class HangsOnce:
    """Never ends the first order of a prompt, and draws a red picture for the next one."""

    def __init__(self, *, diary: str) -> None:
        self._diary = Path(diary)

    def load(self) -> ImageAbilities:
        return ImageAbilities(models=("stable_diffusion",), pixels_max=64 * 64)

    def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        mark = self._diary / order.prompt
        if not mark.exists():
            draft = mark.with_suffix(".draft")
            draft.write_text(str(os.getpid()))
            draft.rename(mark)  # whole, or not there
            FOR_EVER.wait()
        buffer = io.BytesIO()
        Image.new("RGB", (order.width, order.height), "red").save(buffer, "WEBP")
        return [Picture(picture=buffer.getvalue(), seed=seed) for seed in order.seeds]
