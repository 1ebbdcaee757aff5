"""The diffusers back end: real models on this machine's cards, one child process each.

Nothing in this file needs torch: it only says what the children are to make. `pip install stable-horde[diffusers]`
brings the rest, which `engine.py` and what lies below it import in the child.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from horde.worker.backends.base import BackendFailed, ImageAbilities, ImageOrder, Picture
from horde.worker.backends.diffusers.options import Options
from horde.worker.child.engine import IMAGES, Engine
from horde.worker.child.host import Children

IN_CHILD = "horde.worker.backends.diffusers:in_child"


def diffusers(**options: object) -> Children[ImageAbilities, ImageOrder, Picture]:
    """Make the back end; `options` are the fields of `Options`. Raises TypeError for those that cannot be read."""
    try:
        chosen = msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise TypeError(str(error)) from error
    settings = msgspec.to_builtins(chosen)
    return Children(IMAGES, IN_CHILD, [{"device": device, "options": settings} for device in chosen.devices])


def in_child(*, device: str, options: Mapping[str, object]) -> Engine[ImageAbilities, ImageOrder, Picture]:
    """Make the engine of one device, in its child. Raises BackendFailed where the libraries are missing."""
    try:
        # A gigabyte, which only a child that works with it needs.
        from horde.worker.backends.diffusers.engine import engine
    except ModuleNotFoundError as error:
        raise BackendFailed(f"{error}; hint: pip install 'stable-horde[diffusers]'") from error
    return engine(device=device, options=options)
