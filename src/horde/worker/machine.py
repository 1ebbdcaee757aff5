"""What the owner's machine has: cards, memory, disk. What cannot be read is left out; nothing here is an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil
import pynvml


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One graphics card of NVIDIA."""

    name: str
    memory_bytes: int
    memory_free_bytes: int
    temperature_c: int | None
    """None: the card does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What there is now."""

    cards: tuple[Card, ...]
    """None where there is no card of NVIDIA, or no driver."""
    memory_bytes: int
    memory_free_bytes: int
    """What programs could get, caches that can be dropped included."""
    disk_free_bytes: int
    """Where the folder lies that was asked for."""


def machine(folder: Path) -> Machine:
    """Look at this machine. Takes some milliseconds. Raises OSError where there is no such folder."""
    memory = psutil.virtual_memory()
    return Machine(
        cards=cards(),
        memory_bytes=memory.total,
        memory_free_bytes=memory.available,
        disk_free_bytes=psutil.disk_usage(str(folder)).free,
    )


def cards() -> tuple[Card, ...]:
    """The cards of NVIDIA, in the order of the driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return ()
    try:
        return tuple(_card(pynvml.nvmlDeviceGetHandleByIndex(at)) for at in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError:
        return ()
    finally:
        pynvml.nvmlShutdown()


def _card(handle: object) -> Card:
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    try:
        temperature = int(pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU))
    except pynvml.NVMLError:
        temperature = None
    return Card(
        name=str(pynvml.nvmlDeviceGetName(handle)),
        memory_bytes=int(memory.total),
        memory_free_bytes=int(memory.free),
        temperature_c=temperature,
    )
