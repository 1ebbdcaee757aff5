"""Where the models of a back end lie: on this machine or, if its owner wants it so, on the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

Place: TypeAlias = str
"""A folder or file of this machine, `~` for the home; or, where the hub is allowed, an `owner/name` of the hub."""


def place_of(place: Place) -> str:
    """A path of this machine in full; anything else as it is, for it may be a name of the hub."""
    path = Path(place).expanduser()
    return str(path) if path.exists() else place
