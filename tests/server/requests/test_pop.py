"""What a worker is handed: the right request, as many jobs as it can hold, one payload, a lease."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from horde.errors import AnonForbiddenWorker, WorkerMaintenance
from horde.kinds import KINDS
from horde.kinds.image import ImageParams
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests.pop import Idle, pop
from horde.server.settings import Settings
from tests.plugins.hordes import Clock, without_anonymous_workers
from tests.server.builders import (
    anonymous,
    ask,
    asked,
    at_a_tick,
    change,
    delivered,
    everything,
    idle,
    leased,
    look,
    one,
    popped,
    user,
    worker,
)


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada")


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob")


async def served(ctx: Context, owner: User, **changes: Any) -> list[object]:
    """The prompts of all that waits, in the order in which a worker gets them."""
    count = await one(ctx, "SELECT sum(waiting)::integer FROM requests")
    return [(await popped(ctx, owner, **changes)).payload["prompt"] for _ in range(count)]


# ------------------------------------------------------------------------------------------- the job
async def test_worker_gets_the_job_and_the_queue_knows_it(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2, seed=42)
    asked_at, ctx = clock.now, clock.move(minutes=5)

    found = await popped(ctx, bob, "Atlas")

    assert found.payload["prompt"] == "a red fox"
    assert (found.payload["seed"], found.payload["n_iter"], found.payload["ddim_steps"]) == ("42", 1, 50)
    assert (found.model, found.lease_s) == ("stable_diffusion", 150)
    [job] = await look(ctx, "SELECT * FROM jobs")
    assert ([str(job["id"])], str(job["request_id"])) == (found.job_ids, request_id)
    assert (job["state"], job["model"], job["seed"]) == ("leased", "stable_diffusion", 42)
    assert (job["leased_at"], job["deadline"]) == (ctx.now, ctx.now + timedelta(seconds=150))
    [request] = await look(ctx, "SELECT * FROM requests")
    assert request["waiting"] == 1
    assert request["expires_at"] > asked_at + timedelta(minutes=20)


async def test_request_is_handed_out_in_batches_that_fit(clock: Clock, ada: User, bob: User) -> None:
    for amount, pixels, batches in (
        (1, 10**8, [1, 1, 1, 1, 1]),
        (2, 10**8, [2, 2, 1]),
        (20, 10**8, [5]),
        (6, 512 * 512, [2, 2, 1]),  # 6 / 3.5 = 1.7: more would not fit into its memory
    ):
        await asked(clock.ctx, ada, n=5)

        seen = [await popped(clock.ctx, bob, amount=amount, sizes={"pixels": pixels}) for _ in batches]

        assert [len(found.job_ids) for found in seen] == batches
        assert [found.payload["n_iter"] for found in seen] == batches
        assert await idle(clock.ctx, bob) == {}


async def test_request_that_wants_no_batches_is_handed_out_one_by_one(clock: Clock, bob: User) -> None:
    trusted = await user(clock.ctx, is_trusted=True)
    await asked(clock.ctx, trusted, n=3, disable_batching=True)

    for _ in range(3):
        assert len((await popped(clock.ctx, bob, amount=20)).job_ids) == 1


async def test_model_is_one_that_both_name(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=20, models=("one", "two", "three"))

    models = {(await popped(clock.ctx, bob, models=("two", "three", "four"))).model for _ in range(20)}

    assert models == {"two", "three"}  # drawn, not ranked: 20 times the same has a chance of 2 in a million


async def test_request_that_names_no_model_gets_one_of_the_workers(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, models=())

    assert (await popped(clock.ctx, bob, models=("own",))).model == "own"


async def test_batches_of_a_request_with_a_seed_lie_its_variation_apart(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=5, seed=100, seed_variation=10)

    seeds = [(await popped(clock.ctx, bob, amount=2)).payload["seed"] for _ in range(3)]

    assert seeds == ["150", "130", "110"]  # 100 + 10 x what waited


async def test_request_without_a_seed_gets_a_new_one_at_each_pop(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=3)

    assert len({(await popped(clock.ctx, bob)).payload["seed"] for _ in range(3)}) == 3


async def test_worker_is_told_to_censor_only_what_may_not_be_nsfw(clock: Clock, ada: User, bob: User) -> None:
    for nsfw, censor_nsfw, is_told in ((False, True, True), (False, False, False), (True, True, False)):
        await asked(clock.ctx, ada, nsfw=nsfw, censor_nsfw=censor_nsfw)
        assert (await popped(clock.ctx, bob)).payload.get("use_nsfw_censor", False) is is_told


# -------------------------------------------------------------------------------------------- the order
async def test_rich_go_first_and_equals_in_the_order_in_which_they_came(clock: Clock, bob: User) -> None:
    for name, kudos in (("poor", 10), ("rich", 90), ("also poor", 10), ("broke", 0)):
        await asked(clock.ctx, await user(clock.ctx, name, has=kudos), prompt=name)

    assert await served(clock.ctx, bob) == ["rich", "poor", "also poor", "broke"]


@pytest.mark.parametrize(
    ("age_s", "order"), [(9, ["rich", "anonymous"]), (10, ["anonymous", "rich"]), (11, ["anonymous", "rich"])]
)
async def test_each_tick_of_ten_seconds_outweighs_fifty_kudos(
    clock: Clock, bob: User, age_s: int, order: list[str]
) -> None:
    at_a_tick(clock)
    rich = await user(clock.ctx, "Rich", has=50)
    await asked(clock.ctx, await anonymous(clock.ctx), prompt="anonymous")
    await asked(clock.move(seconds=age_s), rich, prompt="rich")

    assert await served(clock.ctx, bob) == order


async def test_order_holds_over_lanes(clock: Clock, bob: User) -> None:
    for kudos, models in ((30, ("one",)), (20, ()), (40, ("two",)), (10, ("one", "two"))):
        await asked(clock.ctx, await user(clock.ctx, has=kudos), prompt=str(kudos), models=models)

    assert await served(clock.ctx, bob, models=("one", "two")) == ["40", "30", "20", "10"]


async def test_own_requests_are_served_first(clock: Clock, bob: User) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Rich", has=10**6), prompt="rich")
    poor = await user(clock.ctx, "Poor", has=0)
    await asked(clock.ctx, poor, prompt="own")

    assert await served(clock.ctx, poor) == ["own", "rich"]


async def test_named_friends_are_served_first(clock: Clock, bob: User) -> None:
    await asked(clock.ctx, await user(clock.ctx, "Rich", has=10**6), prompt="rich")
    friend = await user(clock.ctx, "Friend", has=0)
    await asked(clock.ctx, friend, prompt="friend")

    assert await served(clock.ctx, bob, first_users=(friend.id,)) == ["friend", "rich"]


async def test_friends_of_anonymous_workers_are_served_first_but_not_all_anonymous_users(clock: Clock) -> None:
    nobody, friend = await anonymous(clock.ctx), await user(clock.ctx, "Friend", has=1)
    await asked(clock.ctx, await user(clock.ctx, "Rich", has=10**6), prompt="rich")
    await asked(clock.ctx, nobody, prompt="anonymous")
    await asked(clock.ctx, friend, prompt="friend")

    assert await served(clock.ctx, nobody, first_users=(friend.id,)) == ["friend", "rich", "anonymous"]


# ----------------------------------------------------------------------------------------- upfront kudos
async def test_worker_that_wants_kudos_upfront_passes_over_who_cannot_pay(clock: Clock, ada: User, bob: User) -> None:
    poor = await user(clock.ctx, "Poor", has=0)
    await asked(clock.ctx, poor, prompt="poor")
    await asked(clock.ctx, await user(clock.ctx, "Known", has=0, is_trusted=True), prompt="trusted")
    await asked(clock.ctx, ada, prompt="rich")

    found = [await popped(clock.ctx, bob, requires_cover=True) for _ in range(2)]

    assert [each.payload["prompt"] for each in found] == ["rich", "trusted"]
    assert await idle(clock.ctx, bob, requires_cover=True) == {"kudos": 1}


async def test_worker_that_wants_kudos_upfront_serves_its_owner_and_friends_on_credit(clock: Clock, ada: User) -> None:
    owner, friend, poor = [await user(clock.ctx, name, has=0) for name in ("Owner", "Friend", "Poor")]
    for asking in (poor, friend, owner, ada):
        await asked(clock.ctx, asking, prompt=asking.name)
    wants: dict[str, Any] = {"requires_cover": True, "first_users": (friend.id,)}

    found = [(await popped(clock.ctx, owner, **wants)).payload["prompt"] for _ in range(3)]

    assert found == ["Friend", "Owner", "Ada"]
    assert await idle(clock.ctx, owner, **wants) == {"kudos": 1}
    assert (await popped(clock.ctx, owner, requires_cover=False)).payload["prompt"] == "Poor"


async def test_friends_of_a_worker_in_maintenance_get_no_credit_of_it(clock: Clock) -> None:
    owner, friend = [await user(clock.ctx, name, has=0) for name in ("Owner", "Friend")]
    await worker(clock.ctx, owner)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")
    for asking in (friend, owner):
        await asked(clock.ctx, asking, prompt=asking.name)
    wants: dict[str, Any] = {"requires_cover": True, "first_users": (friend.id,)}

    assert (await popped(clock.ctx, owner, **wants)).payload["prompt"] == "Owner"
    with pytest.raises(WorkerMaintenance):
        await pop(clock.ctx, owner, ask(**wants))


# -------------------------------------------------------------------------------------------- the refusals
async def test_worker_gets_no_prompt_with_a_word_of_its_blacklist(clock: Clock, ada: User, bob: User) -> None:
    for prompt in ("Two HOUNDS", "a fox ### hound", "greyhounds", "ein Ärgernis", "a red fox"):
        await asked(clock.ctx, ada, prompt=prompt)
    blacklist = ("cat", "hound", "ärger")

    assert (await popped(clock.ctx, bob, blacklist=blacklist)).payload["prompt"] == "a red fox"
    assert await idle(clock.ctx, bob, blacklist=blacklist) == {"blacklist": 4}
    assert await idle(clock.ctx, bob, blacklist=blacklist, sizes={"pixels": 1}) == {"max_pixels": 4}


async def test_owners_own_request_with_a_word_of_the_blacklist_is_counted_once(clock: Clock, bob: User) -> None:
    await asked(clock.ctx, bob, prompt="a hound", n=2)

    assert await idle(clock.ctx, bob, blacklist=("hound", "h")) == {"blacklist": 1}


async def test_blacklisted_head_does_not_hide_the_rest_of_its_lane(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, prompt="a hound")
    await asked(clock.ctx, ada, prompt="a fox")

    assert (await popped(clock.ctx, bob, blacklist=("hound",))).payload["prompt"] == "a fox"


async def test_idle_worker_is_told_how_many_requests_failed_by_what(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=3, models=("other",))
    await asked(clock.ctx, ada, models=("other",))
    await asked(clock.ctx, ada, params=ImageParams(width=1024, height=1024, tiling=True))

    skipped = await idle(clock.ctx, bob, sizes={"pixels": 512 * 512}, nsfw=False)

    assert skipped == {"models": 2, "nsfw": 3, "max_pixels": 1, "bridge_version": 1}


async def test_idle_worker_is_shown_every_counter_of_its_kind_although_nothing_waits(clock: Clock, bob: User) -> None:
    answer = await pop(clock.ctx, bob, ask())

    assert isinstance(answer, Idle)
    assert answer.skipped == dict.fromkeys(KINDS["image"].skip_keys_shown, 0)


async def test_worker_in_maintenance_serves_only_its_owner(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, bob, prompt="own")
    await asked(clock.ctx, ada, prompt="ada's")
    await worker(clock.ctx, bob)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true")

    assert (await popped(clock.ctx, bob, first_users=(ada.id,))).payload["prompt"] == "own"
    # The worker program looks for these words (contract/api-v2.md, section 3.1).
    with pytest.raises(WorkerMaintenance, match="maintenance mode"):
        await pop(clock.ctx, bob, ask(first_users=(ada.id,)))


async def test_owners_words_are_told_to_a_worker_in_maintenance(clock: Clock, bob: User) -> None:
    await worker(clock.ctx, bob)
    await change(clock.ctx, "UPDATE workers SET is_in_maintenance = true, maintenance_message = 'new GPU coming'")

    with pytest.raises(WorkerMaintenance, match="new GPU coming"):
        await pop(clock.ctx, bob, ask())


async def test_anonymous_account_cannot_serve_when_the_setting_says_so(clock: Clock, ada: User, bob: User) -> None:
    nobody = await anonymous(clock.ctx)
    await asked(clock.ctx, ada, n=2)
    await asked(clock.ctx, nobody)
    closed = _with_settings(clock.ctx, without_anonymous_workers(clock.ctx.services.settings))
    before = await everything(clock.ctx)

    with pytest.raises(AnonForbiddenWorker):
        await pop(closed, nobody, ask("Nemo"))

    assert await everything(clock.ctx) == before
    await popped(closed, bob)
    await popped(clock.ctx, nobody, "Nemo")


async def test_expired_request_is_not_handed_out(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)

    await idle(clock.move(minutes=20), bob)


async def test_expired_head_does_not_hide_the_rest_of_its_lane(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, prompt="old")
    await asked(clock.move(minutes=20), ada, prompt="new")

    assert (await popped(clock.ctx, bob)).payload["prompt"] == "new"


async def test_worker_that_asks_again_does_not_lose_what_it_has(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    first, second = await leased(clock.ctx, bob), await leased(clock.ctx, bob)

    assert await delivered(clock.ctx, bob, first) == await delivered(clock.ctx, bob, second) == 11_000


# ----------------------------------------------------------------------------------------- held jobs
async def test_dropped_jobs_return_at_once_and_held_ones_stay(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    held, dropped = await leased(clock.ctx, bob), await leased(clock.ctx, bob)

    again = await leased(clock.ctx, bob, held_jobs=frozenset({held}))

    states = {str(job["id"]): job["state"] for job in await look(clock.ctx, "SELECT * FROM jobs")}
    assert states == {held: "leased", dropped: "lost", again: "leased"}
    assert await one(clock.ctx, "SELECT uncompleted FROM workers") == 1


async def test_jobs_of_another_worker_are_not_dropped(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob, "Atlas")

    await idle(clock.ctx, bob, "Zeus", held_jobs=frozenset())

    assert await one(clock.ctx, "SELECT state FROM jobs WHERE id = $1", id=UUID(job_id)) == "leased"


async def test_worker_that_does_not_say_what_it_holds_drops_nothing(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    await idle(clock.ctx, bob, held_jobs=None)

    assert await delivered(clock.ctx, bob, job_id) == 11_000


def _with_settings(ctx: Context, settings: Settings) -> Context:
    return Context(replace(ctx.services, settings=settings), ctx.now)
