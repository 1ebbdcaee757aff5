"""The kinds of jobs. `KINDS` is the one list: a new kind is a file here and a line below."""

from __future__ import annotations

from typing import Any, Final

from horde.kinds import alchemy, image, text
from horde.kinds.base import Kind

# Kinds differ in the type of their parameters, and the registry cannot say which name has which.
KINDS: Final[dict[str, Kind[Any]]] = {kind.name: kind for kind in (image.KIND, text.KIND, alchemy.KIND)}  # type: ignore[explicit-any]
