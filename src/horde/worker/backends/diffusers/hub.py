"""The Hugging Face hub: asked for what is not on this machine, where the owner allows it, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from huggingface_hub import constants

Loaded = TypeVar("Loaded")


def stay_away() -> None:
    """Let no library of this process call the hub: they do even for files that are here, to tell what they run in."""
    # Said by the environment, it would have to be there before the first import.
    constants.HF_HUB_OFFLINE = True


def here_or_fetched(load: Callable[[bool], Loaded], *, may_fetch: bool) -> Loaded:
    """What `load` makes of files of this machine alone (True) or, if they are not all here, with the hub (False).

    Without this order a worker whose line is down would wait for it: 23 s for each file, with huggingface_hub 2.4.0.
    """
    try:
        return load(True)
    except OSError:
        if not may_fetch:
            raise
    return load(False)
