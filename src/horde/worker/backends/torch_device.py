"""The device that a back end calculates on with torch, and its memory."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from horde.worker.backends.base import OutOfMemory

NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "could not create a primitive")
"""How the devices say so that have no error of their own for it; the last is how oneDNN does."""


def device_of(name: str) -> str:
    """The device that `auto` means here; others as they are."""
    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


@contextmanager
def threads_kept() -> Iterator[None]:
    """Undo what an import does to the number of torch's threads, on which the last bit of each result depends."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def free_memory() -> None:
    """Give back what nobody holds any more."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def memory_counted(device: str, what: str) -> Iterator[None]:
    """Raise OutOfMemory where `what`, which is done within, was too large for the device; free the memory after it."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if (reason := memory_reason(error)) is None:
            raise
        raise OutOfMemory(f"no memory on {device} for {what}: {reason}") from error
    finally:
        if torch.cuda.is_available():
            free_memory()


def memory_reason(error: Exception) -> str | None:
    """What a device says of its memory with this error; None when something else is the matter."""
    said = str(error)
    if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(words in said for words in NO_MEMORY):
        return None
    # Torch goes on with advice on its own settings.
    return ". ".join(said.split(". ")[:2])
