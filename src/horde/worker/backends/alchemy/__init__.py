"""The alchemy back end: looks at pictures and improves them, by models of this machine, one child process a device.

Nothing in this file needs torch: it only says what the children are to do. `pip install stable-horde[alchemy]` brings
the rest, which `engine.py` and what lies below it import in the child.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from horde.worker.backends.alchemy.options import Options
from horde.worker.backends.base import AlchemyAbilities, BackendFailed, Finding, FormOrder
from horde.worker.child.engine import ALCHEMY, Engine
from horde.worker.child.host import Children

IN_CHILD = "horde.worker.backends.alchemy:in_child"


def alchemy(**options: object) -> Children[AlchemyAbilities, FormOrder, Finding]:
    """Make the back end; `options` are the fields of `Options`. Raises TypeError for those that cannot be read."""
    try:
        chosen = msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise TypeError(str(error)) from error
    settings = msgspec.to_builtins(chosen)
    return Children(ALCHEMY, IN_CHILD, [{"device": device, "options": settings} for device in chosen.devices])


def in_child(*, device: str, options: Mapping[str, object]) -> Engine[AlchemyAbilities, FormOrder, Finding]:
    """Make the engine of one device, in its child. Raises BackendFailed where the libraries are missing."""
    try:
        # Heavy, and only needed by a child that works with it.
        from horde.worker.backends.alchemy.engine import engine
    except ModuleNotFoundError as error:
        raise BackendFailed(f"{error}; hint: pip install 'stable-horde[alchemy]'") from error
    return engine(device=device, options=options)
