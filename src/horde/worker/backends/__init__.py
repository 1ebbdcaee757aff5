"""The back ends. `BACKENDS` is the one list: a new one is a file here and a line below."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from horde.worker.backends.base import Backend

BACKENDS: Final = {"demo": "horde.worker.backends.demo:Demo"}
"""Each by the place of what makes it, which is imported when somebody wants it: some need much."""


class UnknownBackend(ValueError):
    """There is no such back end; the message names those that there are."""


def load(name: str) -> Backend:
    """Make the back end of this name, or the one that `package.module:factory` makes. It is not started.

    Raises UnknownBackend.
    """
    place = BACKENDS.get(name, name)
    module_name, colon, factory_name = place.partition(":")
    known = f"known are {', '.join(BACKENDS)}, and `package.module:factory` for one of your own"
    if not colon:
        raise UnknownBackend(f"there is no back end {name!r}; {known}")
    try:
        factory = getattr(import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise UnknownBackend(f"the back end {name!r} cannot be loaded: {error}; {known}") from error
    return cast("Callable[[], Backend]", factory)()
