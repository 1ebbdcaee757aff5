"""The engine in a process that may use little more memory than it has when it is loaded."""

import resource
from collections.abc import Mapping
from pathlib import Path

from horde.worker.backends.base import ImageAbilities
from horde.worker.backends.diffusers.engine import DiffusersEngine
from horde.worker.backends.diffusers.engine import engine as usual

SPARE_BYTES = 200 * 2**20
"""Enough for small pictures of tiny models, and not for one of 2048x2048."""


class Narrow:
    """The engine, whose process is bound once it is loaded."""

    def __init__(self, engine: DiffusersEngine) -> None:
        self._engine = engine
        self.generate = engine.generate

    def load(self) -> ImageAbilities:
        abilities = self._engine.load()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + SPARE_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return abilities


def engine(*, device: str, options: Mapping[str, object]) -> Narrow:
    return Narrow(usual(device=device, options=options))
