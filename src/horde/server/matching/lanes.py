"""Lanes: all waiting requests with equal needs stand in one, so that matching looks at needs, not at requests."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from horde.kinds.base import Needs
from horde.server.db.pool import Tx
from horde.server.db.queries import load

sql = load(__package__)


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane in which somebody waits."""

    id: int
    needs: Needs
    waiting: int
    """How many requests stand in it."""


def _lane(id: int, needs: object, waiting: int) -> Lane:
    return Lane(id, msgspec.convert(needs, Needs), waiting)


async def lane_of(tx: Tx, needs: Needs) -> int:
    """The id of the lane for these needs, made when there is none. Two nodes that make it at once get the same."""
    encoded = msgspec.json.encode(needs, order="deterministic")
    digest = sha256(encoded).digest()
    found = await tx.value(sql.find_lane, int, digest=digest)
    if found is None:
        found = await tx.value(
            sql.add_lane,
            int,
            kind=needs.kind,
            digest=digest,
            needs=msgspec.json.decode(encoded),
            models=list(needs.models),
        )
    assert found is not None
    return found


async def waiting_lanes(tx: Tx, kind: str) -> list[Lane]:
    """The lanes of a kind in which somebody waits."""
    return await tx.all(sql.waiting_lanes, _lane, kind=kind)
