"""What the owner's machine has: cards, memory, disk. What cannot be read is left out; nothing here is an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from horde.worker import gpu


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is now."""

    cards: tuple[gpu.Gpu, ...]
    """Those of NVIDIA and AMD whose driver tells of them."""
    memory_bytes: int
    memory_free_bytes: int
    """What programs could get, caches that can be dropped included."""
    disk_free_bytes: int
    """Where the folder lies that was asked for."""


def machine(folder: Path) -> Machine:
    """Look at this machine. Takes some milliseconds. Raises OSError where there is no such folder."""
    memory = psutil.virtual_memory()
    return Machine(
        cards=tuple(gpu.seen()),
        memory_bytes=memory.total,
        memory_free_bytes=memory.available,
        disk_free_bytes=psutil.disk_usage(str(folder)).free,
    )
