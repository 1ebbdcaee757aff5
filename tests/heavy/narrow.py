"""Engines in a process that may use little more memory than it has when they are loaded."""

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Generic

from horde.worker.backends.alchemy.engine import engine as alchemy_engine
from horde.worker.backends.base import (
    AlchemyAbilities,
    Can,
    Finding,
    FormOrder,
    ImageAbilities,
    ImageOrder,
    Made,
    Ordered,
    Picture,
)
from horde.worker.backends.diffusers.engine import engine as diffusers_engine
from horde.worker.child.engine import Engine

MIB = 2**20
DRAWING_MIB = 200
"""Enough for small pictures of tiny models, and not for one of 2048x2048."""
UPSCALING_MIB = 300
"""Enough to write a picture of 3072x3072 (230 with all copies), and not to make it in a single square (360)."""


class Narrow(Generic[Can, Ordered, Made]):
    """An engine, whose process is bound once it is loaded."""

    def __init__(self, engine: Engine[Can, Ordered, Made], *, spare_mib: int) -> None:
        self._engine = engine
        self._spare_bytes = spare_mib * MIB
        self.generate = engine.generate

    def load(self) -> Can:
        abilities = self._engine.load()
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + self._spare_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        return abilities


def diffusers(*, device: str, options: Mapping[str, object]) -> Narrow[ImageAbilities, ImageOrder, Picture]:
    return Narrow(diffusers_engine(device=device, options=options), spare_mib=DRAWING_MIB)


def alchemy(*, device: str, options: Mapping[str, object]) -> Narrow[AlchemyAbilities, FormOrder, Finding]:
    return Narrow(alchemy_engine(device=device, options=options), spare_mib=UPSCALING_MIB)
