"""What one form of alchemy (a caption, an interrogation, a post-processed picture) is worth, and what it is charged.

Plain functions of plain arguments, for alchemy.py. Nothing is due when it is accepted.
Source: contract/kudos.md, sections 3 and 4.
"""

from __future__ import annotations

from typing import Final, get_args

from horde.kinds.base import ChargeTerms
from horde.kinds.image_params import PostProcessor
from horde.units import Kudos, kudos

TILE_SIDE = 512
INTERROGATION, PER_TILE, ANY_OTHER = kudos(3), kudos(3), kudos(1)
PER_FORM, FOR_FAST_WORKERS = kudos(1), kudos(1)
POST_PROCESSING: Final = frozenset(get_args(PostProcessor))


def tiles(width: int, height: int) -> int:
    """How many squares of 512 pixels it takes to cover a picture."""
    return -(-width // TILE_SIDE) * -(-height // TILE_SIDE)


def worth(form: str, *, tiles: int) -> Kudos:
    """What one delivered form is worth; only post-processing takes longer the bigger the source is."""
    if form in POST_PROCESSING:
        return Kudos(PER_TILE * tiles)
    return INTERROGATION if form == "interrogation" else ANY_OTHER


def charge_terms(*, slow_workers: bool) -> ChargeTerms:
    """One kudos beside the worth, and another for who wants fast workers only.

    It is also what has to be there for workers that serve only who can pay.
    """
    return ChargeTerms(factor=1.0, extra=Kudos(PER_FORM + (0 if slow_workers else FOR_FAST_WORKERS)))
