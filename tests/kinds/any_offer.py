"""Any needs and any offer: what rules, queue and explanation have to agree on.

Half of the offers are drawn against given needs and lack few things, so that each lack is often the only one.
"""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from horde.kinds.agents import CAPABILITIES, OUR_AGENT, abilities
from horde.kinds.base import Kind, Needs, Offer, asked_by
from tests.kinds.any_draft import NAMES, WORKERS, any_draft

AGENTS = st.sampled_from(
    [
        *(f"{name}:{version}:x" for name, listed in CAPABILITIES.items() for version in (0, *listed)),
        "AI Horde Worker:11:x",
        "AI Horde Worker:12:x",
        "AI Horde Worker:17:x",
        "Somebody's script:1:x",
        "",
    ]
)
DECLINED = ("img2img", "inpainting", "unsafe_ip", "post-processing", "controlnet", "sdxl_controlnet", "lora")
SIZES = st.sampled_from([0, 64 * 64, 512 * 512, 1024 * 1024, 3072 * 3072]) | st.integers(0, 3072 * 3072)


@st.composite
def any_needs(draw: st.DrawFn, kind: Kind[Any]) -> Needs:
    """What any request of that kind could need, whoever asks."""
    return asked_by(
        kind.needs(draw(any_draft(kind))),
        is_trusted=draw(st.booleans()),
        can_pay=draw(st.booleans()),
        is_from_unsafe_ip=draw(st.booleans()),
    )


def able(needs: Needs) -> Offer:
    """An offer that meets these needs, whatever they are."""
    return Offer(
        kind=needs.kind,
        worker_id=needs.workers[0] if needs.workers and not needs.worker_blacklist else "not listed",
        models=frozenset(needs.models) | {"plain", "for inpainting"},
        features=abilities(f"{OUR_AGENT}:1:x").union(needs.features),
        sizes=dict(needs.sizes),
        nsfw=True,
        is_trusted=True,
        is_slow=False,
        is_extra_slow=False,
    )


@st.composite
def any_offer(draw: st.DrawFn, needs: Needs) -> Offer:
    """Any offer of the kind of these needs, whether or not it meets them."""
    drawn = Offer(
        kind=needs.kind,
        worker_id=draw(WORKERS),
        models=frozenset(draw(st.sets(NAMES, min_size=1))),
        features=abilities(draw(AGENTS)),
        sizes={name: draw(SIZES) for name, _ in needs.sizes},
        nsfw=draw(st.booleans()),
        is_trusted=draw(st.booleans()),
        is_slow=draw(st.booleans()),
        is_extra_slow=draw(st.booleans()),
        declined=frozenset(draw(st.sets(st.sampled_from(DECLINED)))),
        limits_steps=draw(st.booleans()),
        requires_cover=draw(st.booleans()),
    )
    if draw(st.booleans()):
        return drawn
    taken = draw(st.sets(st.sampled_from(sorted(vars(drawn).keys() - {"kind"})), max_size=2))
    return replace(able(needs), **{name: getattr(drawn, name) for name in taken})
