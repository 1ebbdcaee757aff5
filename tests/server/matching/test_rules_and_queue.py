"""The table of rules against the queue itself: what is handed out is what no rule forbids."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde.kinds import image
from horde.kinds.base import Draft, Offer
from horde.kinds.image import ImageParams, Lora
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.matching.rules import failures
from horde.server.requests.cancel import cancel
from horde.server.requests.lease import Popped
from horde.server.requests.pop import pop
from horde.server.requests.submit import submit
from horde.server.workers.roster import Worker, worker_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import ask, change, draft, user, worker

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
        assert {key: count for key, count in answer.skipped.items() if count} == dict.fromkeys(lacking, 1)


async def _offer(ctx: Context, worker: Worker) -> Offer:
    """The offer as the worker's last pop left it."""
    async with ctx.database.transaction() as tx:
        found = await worker_by_id(tx, worker.id)
    assert found is not None
    return found.offer
