"""The graphics cards of this machine, as far as NVIDIA's library tells of them; elsewhere there are none to be seen."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One card at a moment."""

    name: str
    memory_mib: int
    memory_used_mib: int
    busy_percent: int
    temperature_c: int

    def in_words(self) -> str:
        """A line for its owner."""
        return (
            f"{self.name}: {self.memory_used_mib:,} of {self.memory_mib:,} MiB, {self.busy_percent} % busy,"
            f" {self.temperature_c} °C"
        )


def seen() -> list[Gpu]:
    """The cards now; none without a driver, or when it fails."""
    return list(_seen())


def busy_percent() -> int:
    """How busy the busiest card is, 0 to 100."""
    return max((one.busy_percent for one in seen()), default=0)


def _seen() -> Iterator[Gpu]:
    library = _library()
    if library is None:
        return
    with contextlib.suppress(library.NVMLError):
        for number in range(library.nvmlDeviceGetCount()):
            handle = library.nvmlDeviceGetHandleByIndex(number)
            memory = library.nvmlDeviceGetMemoryInfo(handle)
            yield Gpu(
                name=str(library.nvmlDeviceGetName(handle)),
                memory_mib=memory.total // MIB,
                memory_used_mib=memory.used // MIB,
                busy_percent=library.nvmlDeviceGetUtilizationRates(handle).gpu,
                temperature_c=library.nvmlDeviceGetTemperature(handle, library.NVML_TEMPERATURE_GPU),
            )


@cache
def _library() -> ModuleType | None:
    try:
        library = import_module("pynvml")
        library.nvmlInit()
    except Exception:  # noqa: BLE001 - no package, no driver, or a broken one: there is no card for us
        return None
    return library
