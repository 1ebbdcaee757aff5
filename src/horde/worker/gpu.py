"""The graphics cards of this machine: as NVIDIA's library tells of its cards, and the kernel of Linux of AMD's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

MIB = 1024 * 1024
DRM = Path("/sys/class/drm")
"""Where Linux has a folder for each card, with one for each of its plugs beside it."""
AMD = "0x1002"
MILLI = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One card at a moment."""

    name: str
    memory_mib: int
    memory_used_mib: int
    busy_percent: int
    temperature_c: int | None

    def in_words(self) -> str:
        """A line for its owner."""
        words = f"{self.name}: {self.memory_used_mib:,} of {self.memory_mib:,} MiB, {self.busy_percent} % busy"
        return words if self.temperature_c is None else f"{words}, {self.temperature_c} °C"


def seen() -> list[Gpu]:
    """The cards now; none without a driver, or when it fails."""
    return [*_of_nvidia(), *of_amd(DRM)]


def busy_percent() -> int:
    """How busy the busiest card is, 0 to 100."""
    return max((one.busy_percent for one in seen()), default=0)


def _of_nvidia() -> Iterator[Gpu]:
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


def of_amd(drm: Path) -> Iterator[Gpu]:
    """AMD's cards, of those that have a folder in this one."""
    for card in sorted(drm.glob("card*")):
        device = card / "device"
        if "-" in card.name or _word(device / "vendor") != AMD:
            continue
        memory = _number(device / "mem_info_vram_total")
        if memory is None:
            continue
        temperatures = [_number(file) for file in sorted(device.glob("hwmon/hwmon*/temp1_input"))]
        yield Gpu(
            name=_word(device / "product_name") or f"AMD {_word(device / 'device') or card.name}",
            memory_mib=memory // MIB,
            memory_used_mib=(_number(device / "mem_info_vram_used") or 0) // MIB,
            busy_percent=_number(device / "gpu_busy_percent") or 0,
            temperature_c=None if not temperatures or temperatures[0] is None else temperatures[0] // MILLI,
        )


def _word(file: Path) -> str | None:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeError):
        return None


def _number(file: Path) -> int | None:
    word = _word(file)
    return int(word) if word is not None and word.isdecimal() else None


@cache
def _library() -> ModuleType | None:
    try:
        library = import_module("pynvml")
        library.nvmlInit()
    except Exception:  # noqa: BLE001 - no package, no driver, or a broken one: there is no card for us
        return None
    return library
