"""A few lanes, in memory and in the database."""

from msgspec.structs import replace as replaced

from horde.kinds.base import Needs, Offer
from horde.server.context import Context
from horde.server.matching.lanes import Lanes

NEEDS = Needs(kind="image", models=("one", "two"), features=("tiling",), sizes=(("pixels", 4096),))
OTHERS = replaced(NEEDS, models=("three",))


def remembered(*all_needs: Needs) -> Lanes:
    """Lanes of these needs, with ids from 1 on, in which something may wait."""
    lanes = Lanes()
    for lane_id, needs in enumerate(all_needs, 1):
        lanes.add(lane_id, needs)
    return lanes


def open_to(lanes: Lanes, offer: Offer) -> set[int]:
    """The ids of the lanes in which something may wait for this worker."""
    return {lane.id for lane in lanes.waiting_for(lanes.match(offer), offer)}


async def interned(ctx: Context, *all_needs: Needs) -> list[int]:
    """The ids of the lanes of these needs, on this node."""
    lanes = ctx.remembered(Lanes)
    await lanes.intern(ctx.database, all_needs)
    return [lanes.of(needs).id for needs in all_needs]
