"""What v2 calls the kinds of jobs."""

from __future__ import annotations

from typing import Final

NAMES: Final = {"image": "image", "text": "text", "alchemy": "interrogation"}
"""By the name that a kind has here."""
KINDS_NAMED: Final = {name: kind for kind, name in NAMES.items()}
