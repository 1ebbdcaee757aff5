"""Any call for work as a worker sends it, for tests of the whole way from the wire to the queue."""

from hypothesis import strategies as st

from horde.wire import v2
from tests.kinds.any_draft import NAMES
from tests.kinds.any_offer import AGENTS, SIZES


def any_pop(name: str = "Atlas") -> st.SearchStrategy[v2.Pop]:
    """What a worker of that name may say of itself; it always names a model, as it has to."""
    flags = {field: st.booleans() for field in v2.Pop.__struct_fields__ if field.startswith("allow_")}
    return st.builds(
        v2.Pop,
        name=st.just(name),
        nsfw=st.booleans(),
        models=st.lists(NAMES, min_size=1, max_size=3, unique=True),
        bridge_agent=AGENTS,
        require_upfront_kudos=st.booleans(),
        amount=st.integers(1, 20),
        extra_slow_worker=st.booleans(),
        max_pixels=SIZES.map(lambda pixels: max(pixels, 1)),
        limit_max_steps=st.booleans(),
        **flags,
    )
