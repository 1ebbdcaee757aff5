"""What is accepted waits, and is not lost; what is refused leaves no trace."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from horde.errors import (
    DeletedUser,
    HordeError,
    MissingPrompt,
    OnlyServiceAccountProxy,
    Overloaded,
    RequiresTrust,
    TooManyPrompts,
    WorkerNotFound,
)
from horde.kinds.image import ImageParams
from horde.server.app import open_services
from horde.server.context import Context
from horde.server.matching.order import priority, rank
from horde.server.requests import add
from horde.server.requests.submit import submit
from horde.units import kudos
from tests.plugins.hordes import Clock
from tests.server.builders import (
    FOX,
    MODEL,
    TAX,
    anonymous,
    asked,
    change,
    draft,
    everything,
    hang_up,
    idle,
    leased,
    look,
    one,
    popped,
    user,
    worker,
)


async def test_accepted_request_waits_with_all_its_jobs(clock: Clock) -> None:
    ada = await user(clock.ctx, has=200)

    accepted = await submit(
        clock.ctx, ada, draft(n=3, seed=42, seed_variation=7, is_inline=True, client_agent="Me:1:x")
    )

    assert accepted.price == kudos(11)
    [row] = await look(clock.ctx, "SELECT * FROM requests")
    assert row["id"] == UUID(accepted.id)
    assert (row["n"], row["waiting"], row["faults"], row["state"], row["charged_mk"]) == (3, 3, 0, "live", TAX)
    assert (row["seed"], row["seed_variation"], row["is_inline"], row["client_agent"]) == (42, 7, True, "Me:1:x")
    assert (row["price_mk"], row["things"]) == (11_000, 512 * 512 * 50)
    assert row["rank"] == rank(priority(kudos(200), clock.now), turn=0)
    assert (row["created_at"], row["expires_at"]) == (clock.now, clock.now + timedelta(minutes=20))


async def test_accepted_request_outlives_the_server_that_accepted_it(clock: Clock) -> None:
    ada = await user(clock.ctx)
    request_id = await asked(clock.ctx, ada)
    await hang_up(clock.ctx)

    async with open_services(clock.ctx.services.settings) as others:
        await leased(Context(others, clock.now), ada)

        assert await one(Context(others, clock.now), "SELECT request_id FROM jobs") == UUID(request_id)


async def test_lease_is_the_kinds_but_not_below_the_settings_minimum(clock: Clock) -> None:
    ada = await user(clock.ctx)
    for params in (ImageParams(steps=1), ImageParams(steps=100), ImageParams(width=1024, height=1024)):
        await asked(clock.ctx, ada, params=params)

    assert [(await popped(clock.ctx, ada)).lease_s for _ in range(3)] == [150, 230, 270]


async def test_refused_request_leaves_no_trace(clock: Clock) -> None:
    ada = await user(clock.ctx)
    before = await everything(clock.ctx)

    refused: list[tuple[dict[str, object], type[HordeError]]] = [
        ({"prompt": " "}, MissingPrompt),
        ({"n": 2, "disable_batching": True}, RequiresTrust),
        ({"workers": (str(uuid4()),)}, WorkerNotFound),
        ({"workers": ("Atlas",)}, WorkerNotFound),
        ({"n": 31}, TooManyPrompts),
    ]
    for changes, error in refused:
        with pytest.raises(error):
            await submit(clock.ctx, ada, draft(**changes))

    assert await everything(clock.ctx) == before


async def test_batching_is_switched_off_by_the_trusted_or_for_one_image(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", is_trusted=True), await user(clock.ctx, "Bob")

    await asked(clock.ctx, ada, n=2, disable_batching=True)
    await asked(clock.ctx, bob, n=1, disable_batching=True)

    assert await one(clock.ctx, "SELECT count(*) FROM requests") == 2


async def test_limit_counts_the_images_that_wait_and_not_those_that_run(clock: Clock) -> None:
    ada = await user(clock.ctx, concurrency=3)
    await asked(clock.ctx, ada, n=2)

    with pytest.raises(TooManyPrompts, match=r"2 waiting and 2 new.*limit of 3"):
        await asked(clock.ctx, ada, n=2)
    await popped(clock.ctx, ada)

    await asked(clock.ctx, ada, n=2)
    assert await one(clock.ctx, "SELECT sum(waiting)::integer AS n FROM requests") == 3


async def test_limit_of_one_is_not_anothers(clock: Clock) -> None:
    ada, bob = [await user(clock.ctx, name, concurrency=1) for name in ("Ada", "Bob")]

    await asked(clock.ctx, ada)
    await asked(clock.ctx, bob)


async def test_anonymous_requests_stand_only_in_the_way_of_those_for_the_same_models(clock: Clock) -> None:
    await change(clock.ctx, "UPDATE users SET concurrency = 2 WHERE id = 0")
    nobody = await anonymous(clock.ctx)
    await asked(clock.ctx, nobody, n=2, models=("one", "two"))

    for models in (("one",), ("two", "three"), ()):
        with pytest.raises(TooManyPrompts):
            await asked(clock.ctx, nobody, models=models)

    await asked(clock.ctx, nobody, models=("three",))


async def test_anonymous_request_for_any_model_stands_in_the_way_of_all(clock: Clock) -> None:
    await change(clock.ctx, "UPDATE users SET concurrency = 2 WHERE id = 0")
    nobody = await anonymous(clock.ctx)
    await asked(clock.ctx, nobody, n=2, models=())

    with pytest.raises(TooManyPrompts):
        await asked(clock.ctx, nobody, models=("one",))


async def test_requestor_is_told_whether_anybody_online_could_serve(clock: Clock) -> None:
    ada = await user(clock.ctx)
    assert not (await submit(clock.ctx, ada, FOX)).is_possible

    await worker(clock.ctx, ada)

    assert (await submit(clock.ctx, ada, FOX)).is_possible
    assert (await submit(clock.ctx, ada, draft(models=(MODEL, "other")))).is_possible
    assert not (await submit(clock.ctx, ada, draft(models=("other",)))).is_possible


async def test_worker_is_named_in_any_spelling_of_its_id(clock: Clock) -> None:
    ada = await user(clock.ctx)
    atlas = await worker(clock.ctx, ada, "Atlas")

    for spelling in (str(atlas.id).upper(), atlas.id.hex, f"{{{atlas.id}}}"):
        await asked(clock.ctx, ada, workers=(spelling,))
        assert await idle(clock.ctx, ada, "Zeus") == {"worker_id": 1}
        await leased(clock.ctx, ada, "Atlas")
        await asked(clock.ctx, ada, workers=(spelling,), worker_blacklist=True)
        assert await idle(clock.ctx, ada, "Atlas") == {"worker_id": 1}
        await leased(clock.ctx, ada, "Zeus")


async def test_only_the_first_five_listed_workers_are_kept(clock: Clock) -> None:
    ada = await user(clock.ctx)
    ids = [str((await worker(clock.ctx, ada, f"W{digit}")).id) for digit in range(6)]

    await asked(clock.ctx, ada, workers=(*ids, "not even an id"))

    assert await idle(clock.ctx, ada, "W5") == {"worker_id": 1}
    await leased(clock.ctx, ada, "W4")


async def test_priority_is_frozen_when_the_request_is_accepted(clock: Clock) -> None:
    ada, bob = await user(clock.ctx, "Ada", has=10), await user(clock.ctx, "Bob", has=20)
    for requestor in (ada, bob):
        await asked(clock.ctx, requestor, prompt=requestor.name)
    await change(clock.ctx, "UPDATE ledger_accounts SET spendable_mk = 10^9 WHERE user_id = $1", user_id=ada.id)

    assert (await popped(clock.ctx, await anonymous(clock.ctx))).payload["prompt"] == "Bob"


async def test_request_whose_lane_is_deleted_again_and_again_is_refused_for_now(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_arguments: object) -> None:
        raise add._LaneGone

    ada = await user(clock.ctx)
    monkeypatch.setattr(add, "_write", gone)

    with pytest.raises(Overloaded):
        await asked(clock.ctx, ada)


async def test_for_whom_a_service_asks_is_kept_with_the_request(clock: Clock) -> None:
    ada = await user(clock.ctx)
    with pytest.raises(OnlyServiceAccountProxy):
        await submit(clock.ctx, ada, draft(proxied_account="discord:7"))

    await submit(clock.ctx, replace(ada, is_service=True), draft(proxied_account="discord:7"))

    assert await one(clock.ctx, "SELECT proxied_account FROM requests") == "discord:7"


async def test_deleted_account_cannot_ask(clock: Clock) -> None:
    with pytest.raises(DeletedUser):
        await submit(clock.ctx, replace(await user(clock.ctx), is_deleted=True), draft())
