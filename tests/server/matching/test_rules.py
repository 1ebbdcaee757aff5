"""One table says which worker may do which job: each demand alone, and the table against the queue itself."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde.kinds import KINDS, image
from horde.kinds.base import Draft, Kind, Needs, Offer
from horde.kinds.image import ImageParams, Lora
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.matching.rules import can_serve, failures
from horde.server.requests.cancel import cancel
from horde.server.requests.pop import Popped, pop
from horde.server.requests.submit import submit
from horde.server.workers.roster import Worker, worker_by_id
from tests.kinds.any_draft import any_draft
from tests.plugins.hordes import Clock
from tests.server.builders import ask, change, draft, user, worker

ATLAS = "00000000-0000-4000-8000-00000000000a"
OTHER = "00000000-0000-4000-8000-00000000000b"
NEEDS = Needs(kind="image", sizes=(("pixels", 512 * 512),))
OFFER = Offer(
    kind="image",
    worker_id=ATLAS,
    models=frozenset({"one", "two"}),
    features=frozenset(),
    sizes={"pixels": 512 * 512},
    nsfw=False,
    is_trusted=False,
    is_slow=True,
    is_extra_slow=False,
)


def needs(**changes: Any) -> Needs:
    return Needs(**({"kind": "image", "sizes": NEEDS.sizes} | changes))


def offer(**changes: Any) -> Offer:
    return replace(OFFER, **changes)


@pytest.mark.parametrize(
    ("demand", "lacking", "serving", "skip_key"),
    [
        (needs(models=("three",)), offer(), offer(models=frozenset({"three"})), "models"),
        (needs(nsfw=True), offer(), offer(nsfw=True), "nsfw"),
        (needs(trusted_workers=True), offer(), offer(is_trusted=True), "untrusted"),
        (needs(slow_workers=False), offer(), offer(is_slow=False), "performance"),
        (needs(), offer(is_extra_slow=True), offer(), "performance"),
        (needs(workers=(OTHER,)), offer(), offer(worker_id=OTHER), "worker_id"),
        (needs(workers=(ATLAS,), worker_blacklist=True), offer(), offer(worker_id=OTHER), "worker_id"),
        (needs(sizes=(("pixels", 512 * 513),)), offer(), offer(sizes={"pixels": 512 * 513}), "max_pixels"),
        (needs(), offer(sizes={}), offer(), "max_pixels"),
        *[
            (needs(features=(feature,)), offer(), offer(features=frozenset({feature})), skip_key)
            for feature, skip_key in {
                "lora": "lora",
                "post-processing": "post-processing",
                "img2img": "img2img",
                "painting": "painting",
                "controlnet": "controlnet",
                "tiling": "bridge_version",
                "hires_fix": "bridge_version",
                "GFPGAN": "bridge_version",
                "clip_skip": "bridge_version",
                "lora_versions": "bridge_version",
                "textual_inversion": "bridge_version",
                "layer_diffuse": "bridge_version",
                "qr_code": "bridge_version",
            }.items()
        ],
    ],
)
def test_each_demand_alone_is_failed_under_its_own_key(
    demand: Needs, lacking: Offer, serving: Offer, skip_key: str
) -> None:
    assert failures(demand, lacking) == [skip_key]
    assert failures(demand, serving) == []
    assert (can_serve(lacking, demand), can_serve(serving, demand)) == (False, True)


@pytest.mark.parametrize(
    ("demand", "serving"),
    [
        (needs(), offer()),
        (needs(models=("two", "three")), offer()),  # one of several is enough
        (needs(extra_slow_workers=True), offer(is_extra_slow=True)),
        (needs(workers=(ATLAS, OTHER)), offer()),
        (needs(workers=(OTHER,), worker_blacklist=True), offer()),
    ],
)
def test_what_is_not_demanded_is_not_held_against_a_worker(demand: Needs, serving: Offer) -> None:
    assert failures(demand, serving) == []


def test_every_lack_is_named_not_only_the_first() -> None:
    demand = needs(models=("three",), nsfw=True, features=("lora", "tiling"), sizes=(("pixels", 10**6),))

    assert sorted(failures(demand, offer())) == ["bridge_version", "lora", "max_pixels", "models", "nsfw"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
@given(data=st.data())
def test_worker_that_can_do_everything_can_do_every_request(kind: Kind[Any], data: st.DataObject) -> None:
    demand = kind.needs(data.draw(any_draft(kind)))
    listed = demand.workers and not demand.worker_blacklist
    everything = offer(
        kind=kind.name,
        worker_id=demand.workers[0] if listed else ATLAS,
        models=frozenset(demand.models or ("any",)),
        features=frozenset(demand.features),
        sizes=dict(demand.sizes),
        nsfw=True,
        is_trusted=True,
        is_slow=False,
    )

    assert failures(demand, everything) == []


# ------------------------------------------------------------------------- the table against the queue
TWO_MODELS = ("one", "two")
FEATURES = ("hires_fix", "lora", "tiling")
SIDES = (512, 1024)
LACKS: dict[str, dict[str, Any]] = {
    "a model": {"models": ("two",)},
    "a feature": {"features": ["lora"]},
    "a lora": {"features": ["hires_fix", "tiling"]},
    "memory": {"sizes": {"pixels": 512 * 512}},
    "nsfw": {"nsfw": False},
    "patience": {"is_extra_slow": True},
}
Crew = dict[tuple[bool, bool], tuple[User, Worker]]
"""A worker with its owner for each of trusted or not, slow or not."""


@pytest.fixture
async def crew(clock: Clock) -> Crew:
    found = {}
    for is_trusted in (True, False):
        for is_slow in (True, False):
            owner = await user(clock.ctx, "Owner", is_trusted=is_trusted)
            found[is_trusted, is_slow] = owner, await worker(clock.ctx, owner, f"W{is_trusted:d}{is_slow:d}")
    await change(clock.ctx, "UPDATE workers SET speeds = '{1000}' WHERE name LIKE 'W_1'")
    return found


@st.composite
def small_draft(draw: st.DrawFn, crew: Crew) -> Draft[ImageParams]:
    ids = [str(worker.id) for _, worker in crew.values()]
    wishes = draw(st.sets(st.sampled_from(FEATURES)))
    return draft(
        params=ImageParams(
            width=draw(st.sampled_from(SIDES)),
            hires_fix="hires_fix" in wishes,
            tiling="tiling" in wishes,
            loras=[Lora("x")] if "lora" in wishes else [],
        ),
        models=tuple(draw(st.sets(st.sampled_from(TWO_MODELS)))),
        nsfw=draw(st.booleans()),
        trusted_workers=draw(st.booleans()),
        slow_workers=draw(st.booleans()),
        extra_slow_workers=draw(st.booleans()),
        workers=tuple(draw(st.sets(st.sampled_from(ids), max_size=2))),
        worker_blacklist=draw(st.booleans()),
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_queue_hands_a_request_out_exactly_when_no_rule_fails(
    clock: Clock, crew: Crew, data: st.DataObject
) -> None:
    ctx, requestor = clock.ctx, next(iter(crew.values()))[0]
    wanted = data.draw(small_draft(crew))
    # Few lacks at a time, so that each is often the only one.
    lacks = data.draw(st.sets(st.sampled_from([*LACKS, "trust", "speed"]), max_size=2))
    offered: dict[str, Any] = {"models": TWO_MODELS, "features": [*FEATURES], "sizes": {"pixels": 512 * 1024}}
    for lack in lacks & LACKS.keys():
        offered |= LACKS[lack]
    owner, worker = crew["trust" not in lacks, "speed" in lacks]
    accepted = await submit(ctx, requestor, wanted)

    answer = await pop(ctx, owner, ask(worker.name, **offered))

    await cancel(ctx, accepted.id, kind="image")  # the next example finds an empty queue
    lacking = failures(image.KIND.needs(wanted), await _offer(ctx, worker))
    assert isinstance(answer, Popped) == (not lacking), lacking
    if not isinstance(answer, Popped):
        assert answer.skipped == dict.fromkeys(lacking, 1)


async def _offer(ctx: Context, worker: Worker) -> Offer:
    """The offer as the worker's last pop left it."""
    async with ctx.database.transaction() as tx:
        found = await worker_by_id(tx, worker.id)
    assert found is not None
    return found.offer
