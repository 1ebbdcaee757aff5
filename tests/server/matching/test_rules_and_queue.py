"""The table of rules against the queue itself: what is handed out is what no rule forbids."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from horde.kinds import image
from horde.kinds.base import Draft, Needs, Offer, asked_by
from horde.kinds.image import ImageParams, Lora
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.matching.rules import failures
from horde.server.requests.lease import Popped
from horde.server.requests.pop import Idle, pop
from horde.server.requests.submit import submit
from horde.server.workers.roster import Worker, worker_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import ask, change, draft, look, purse, user, worker

TWO_MODELS = ("one", "two")
FEATURES = ("hires_fix", "lora", "tiling", "post-processing", "GFPGAN")
SIDES = (512, 1024)
LACKS: dict[str, dict[str, Any]] = {
    "a model": {"models": ("two",)},
    "a feature": {"features": ["lora", "post-processing", "GFPGAN"]},
    "a lora": {"features": ["hires_fix", "tiling", "post-processing", "GFPGAN"]},
    "a switch": {"declined": ["lora"]},
    "another switch": {"declined": ["post-processing"]},
    "memory": {"sizes": {"pixels": 512 * 512}},
    "nsfw": {"nsfw": False},
    "patience": {"is_extra_slow": True},
    "steps": {"limits_steps": True},
}
Crew = dict[tuple[bool, bool], tuple[User, Worker]]
"""A worker with its owner for each of trusted or not, slow or not."""


@pytest.fixture
async def crew(clock: Clock) -> Crew:
    found = {}
    for is_trusted in (True, False):
        for is_slow in (True, False):
            owner = await user(clock.ctx, "Owner", has=0, is_trusted=is_trusted)
            found[is_trusted, is_slow] = owner, await worker(clock.ctx, owner, f"W{is_trusted:d}{is_slow:d}")
    await change(clock.ctx, "UPDATE workers SET speeds = '{1000}' WHERE name LIKE 'W_1'")
    return found


@pytest.fixture
async def requestors(clock: Clock) -> list[User]:
    """One who can pay, one who cannot, and one who need not because he is trusted."""
    return [
        await user(clock.ctx, "Rich"),
        await user(clock.ctx, "Poor", has=0),
        await user(clock.ctx, "Known", has=0, is_trusted=True),
    ]


@st.composite
def small_draft(draw: st.DrawFn, crew: Crew) -> Draft[ImageParams]:
    ids = [str(worker.id) for _, worker in crew.values()]
    wishes = draw(st.sets(st.sampled_from(FEATURES)))
    return draft(
        params=ImageParams(
            width=draw(st.sampled_from(SIDES)),
            steps=draw(st.sampled_from((20, 50))),
            hires_fix="hires_fix" in wishes,
            tiling="tiling" in wishes,
            loras=[Lora("x")] if "lora" in wishes else [],
            post_processing=["GFPGAN"] if "GFPGAN" in wishes else [],
        ),
        models=tuple(draw(st.sets(st.sampled_from(TWO_MODELS)))),
        nsfw=draw(st.booleans()),
        trusted_workers=draw(st.booleans()),
        slow_workers=draw(st.booleans()),
        extra_slow_workers=draw(st.booleans()),
        workers=tuple(draw(st.sets(st.sampled_from(ids), max_size=2))),
        worker_blacklist=draw(st.booleans()),
    )


@dataclass(frozen=True)
class Asked:
    """A waiting request: what it needs of whom, and its place."""

    prompt: str
    user_id: int
    needs: Needs
    place: tuple[int, int]


async def all_asked(ctx: Context, asking: list[tuple[User, Draft[ImageParams]]]) -> list[Asked]:
    """What waits when all of these were asked for, one after another."""
    can_pay = {}
    for number, (requestor, wanted) in enumerate(asking):
        available = (await purse(ctx, requestor)).available
        accepted = await submit(ctx, requestor, replace(wanted, prompt=str(number)))
        can_pay[str(number)] = available >= accepted.price
    rows = await look(ctx, "SELECT prompt, -rank AS rank, seq FROM requests WHERE waiting > 0")
    places = {row["prompt"]: (row["rank"], row["seq"]) for row in rows}
    return [
        Asked(
            prompt=str(number),
            user_id=requestor.id,
            needs=asked_by(
                image.KIND.needs(wanted),
                is_trusted=requestor.is_trusted,
                can_pay=can_pay[str(number)],
                is_from_unsafe_ip=False,
            ),
            place=places[str(number)],
        )
        for number, (requestor, wanted) in enumerate(asking)
    ]


def best(waiting: list[Asked], offer: Offer, owner: User) -> str | None:
    """The prompt of what a worker must get: the best of its owner's, or else the best of all."""
    to_owner = replace(offer, requires_cover=False)
    own = [one for one in waiting if one.user_id == owner.id and not failures(one.needs, to_owner)]
    others = [one for one in waiting if not failures(one.needs, offer)]
    return next((one.prompt for line in (own, others) for one in sorted(line, key=lambda one: one.place)), None)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_queue_hands_out_the_best_that_no_rule_forbids_or_says_what_each_fails(
    clock: Clock, crew: Crew, requestors: list[User], data: st.DataObject
) -> None:
    ctx = clock.ctx
    # Few lacks at a time, so that each is often the only one.
    lacks = data.draw(st.sets(st.sampled_from([*LACKS, "speed"]), max_size=2))
    offered: dict[str, Any] = {"models": TWO_MODELS, "features": [*FEATURES], "sizes": {"pixels": 512 * 1024}}
    for lack in lacks & LACKS.keys():
        offered |= LACKS[lack]
    offered["requires_cover"] = data.draw(st.booleans())
    owner, worker = crew[data.draw(st.booleans()), "speed" in lacks]
    who = st.sampled_from([*requestors, owner])
    # Two demands at most, so that several requests often stand in one lane.
    demands = st.sampled_from(data.draw(st.lists(small_draft(crew), min_size=1, max_size=2)))
    waiting = await all_asked(ctx, data.draw(st.lists(st.tuples(who, demands), min_size=1, max_size=5)))

    answer = await pop(ctx, owner, ask(worker.name, **offered))

    await change(ctx, "DELETE FROM requests")  # the next example finds an empty queue
    offer = await _offer(ctx, worker)
    expected = best(waiting, offer, owner)
    assert (answer.payload["prompt"] if isinstance(answer, Popped) else None) == expected
    if isinstance(answer, Idle):
        lacking = Counter(key for one in waiting for key in failures(one.needs, offer))
        assert {key: count for key, count in answer.skipped.items() if count} == lacking


async def _offer(ctx: Context, worker: Worker) -> Offer:
    """The offer as the worker's last pop left it."""
    async with ctx.database.transaction() as tx:
        found = await worker_by_id(tx, worker.id)
    assert found is not None
    return found.offer
