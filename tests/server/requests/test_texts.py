"""Texts are worth what was written; money, queue and memory are those of every kind."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from horde.errors import DuplicateGen, HordeError, KudosUpfront, RequestNotFound
from horde.kinds.base import Draft
from horde.kinds.text import KIND, TextParams
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import deliver
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.read import progress, status
from horde.server.requests.results import Delivery, Paid
from horde.server.requests.submit import submit
from horde.server.settings import Settings
from horde.units import Kudos, kudos
from tests.plugins.hordes import Clock
from tests.server import builders
from tests.server.agreement import books_agree
from tests.server.builders import earned, has, look, one, purse, user
from tests.server.webhooks.scene import outbox, webhook

EIGHT, SEVENTY, UNKNOWN = "koboldcpp/L3-8B", "aphrodite/Meta-Llama-3.1-70B", "koboldcpp/mystery"
VALIDATED = "KoboldCppEmbedWorker:2:x"
TALE = Draft(kind="text", prompt="x" * 4096, params=TextParams(max_length=80), models=(EIGHT,), nsfw=False)
"""1,024 tokens to be read: a whole answer of a model of 8 billions is worth 80 x 8 / 125 x 2.2 = 11.26."""
WHOLE = "y" * 320
WORTH, MOST = kudos(11.26), kudos(17.41)
"""What a whole answer is worth, and what it could be with all the context of 2,048 tokens."""
SAID: dict[str, Any] = {
    "kind": "text", "agent": VALIDATED, "models": (EIGHT,), "features": ["validated_backends"],
    "sizes": {"max_length": 512, "max_context_length": 8192},
}  # fmt: skip


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada", has=1000)


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


async def asked(ctx: Context, requestor: User, **changes: Any) -> str:
    return (await submit(ctx, requestor, replace(TALE, **changes))).id


async def leased(ctx: Context, owner: User, **changes: Any) -> str:
    return await builders.leased(ctx, owner, **(SAID | changes))


async def delivered(ctx: Context, owner: User, job_id: str, text: str = WHOLE, **changes: Any) -> Paid:
    said: dict[str, Any] = {"state": "ok", "seed": 0, "gen_metadata": [], **changes}
    return await deliver(ctx, owner, Delivery(job_id=job_id, kind="text", text=text, **said))


# -------------------------------------------------------------------------------------------- what it is worth
@pytest.mark.parametrize(
    ("text", "said", "reward"),
    [
        (WHOLE, {}, 11.26),
        (WHOLE * 10, {}, 11.26),  # no more than was asked for
        ("y" * 160, {}, 5.63),
        ("y", {}, 2.82),  # 20 tokens at least
        ("", {}, 0),
        (WHOLE, {"agent": "mine:1:x", "features": []}, 3.38),
    ],
)
async def test_worker_is_paid_and_requestor_charged_by_what_was_written(
    clock: Clock, ada: User, bob: User, text: str, said: dict[str, Any], reward: float
) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob, **said)

    paid = await delivered(clock.ctx, bob, job_id, text)

    assert (paid.reward_mk, paid.credited_mk) == (kudos(reward),) * 2
    assert await earned(clock.ctx, bob) == kudos(reward)
    assert await has(clock.ctx, ada) == kudos(1000 - 1 - 1 - reward)
    assert (await progress(clock.ctx, request_id, kind="text")).charged == kudos(reward + 2)
    assert await one(clock.ctx, "SELECT reward_mk FROM jobs") == kudos(reward)
    assert await one(clock.ctx, "SELECT earned_mk FROM workers") == kudos(reward)
    await books_agree(clock.ctx)


@pytest.mark.parametrize(("is_trusted", "reward"), [(True, 4.75), (False, 1.2)])
async def test_model_of_unknown_size_pays_by_the_word_only_whom_we_trust(
    clock: Clock, ada: User, is_trusted: bool, reward: float
) -> None:
    eve = await user(clock.ctx, "Eve", has=0, is_trusted=is_trusted)
    await asked(clock.ctx, ada, models=(UNKNOWN,))

    paid = await delivered(clock.ctx, eve, await leased(clock.ctx, eve, models=(UNKNOWN,)))

    assert paid.reward_mk == kudos(reward)
    await books_agree(clock.ctx)


async def test_half_of_it_goes_into_escrow(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)

    paid = await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    assert (paid.credited_mk, paid.escrowed_mk) == (WORTH, (await purse(clock.ctx, bob)).escrow_mk) == (11_260, 5_630)


async def test_what_it_can_cost_is_held_and_the_rest_comes_back(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2)
    held = [(await purse(clock.ctx, ada)).held_mk]
    for _ in range(2):
        await delivered(clock.ctx, bob, await leased(clock.ctx, bob))
        held.append((await purse(clock.ctx, ada)).held_mk)
        await books_agree(clock.ctx)

    job = MOST + kudos(1)
    assert held == [2 * job, min(2 * job - WORTH - kudos(1), job), 0]


async def test_censored_text_is_charged_without_its_worth(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)

    paid = await delivered(clock.ctx, bob, await leased(clock.ctx, bob), state="censored")

    assert paid.credited_mk == WORTH
    assert await has(clock.ctx, ada) == kudos(1000 - 2)
    await books_agree(clock.ctx)


async def test_nobody_pays_for_serving_oneself(clock: Clock, ada: User) -> None:
    await asked(clock.ctx, ada)

    paid = await delivered(clock.ctx, ada, await leased(clock.ctx, ada))

    assert (paid.reward_mk, paid.credited_mk) == (WORTH, 0)
    assert await has(clock.ctx, ada) == kudos(1000 - 1)
    await books_agree(clock.ctx)


async def test_text_counts_for_no_team(clock: Clock, ada: User, bob: User) -> None:
    assert not KIND.counts_for_teams


async def test_one_of_two_deliveries_at_once_counts(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob)

    answers = await asyncio.gather(
        delivered(clock.ctx, bob, job_id, WHOLE), delivered(clock.ctx, bob, job_id, "y"), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [Paid, DuplicateGen]
    assert [result.result_text for result in (await status(clock.ctx, request_id, kind="text")).results] == [WHOLE]
    assert await earned(clock.ctx, bob) == WORTH
    await books_agree(clock.ctx)


async def test_pictures_and_texts_are_settled_in_one_batch(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    await builders.asked(clock.ctx, ada)
    text_job, picture_job = await leased(clock.ctx, bob), await builders.leased(clock.ctx, bob, "Zeus")

    written, painted = await asyncio.gather(
        delivered(clock.ctx, bob, text_job), builders.delivered(clock.ctx, bob, picture_job)
    )

    assert (written.reward_mk, painted) == (WORTH, kudos(11))
    assert await earned(clock.ctx, bob) == WORTH + builders.EARNED
    await books_agree(clock.ctx)


# ------------------------------------------------------------------------------------------------ what becomes of it
async def test_lost_job_waits_again(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada)
    lost = await leased(clock.ctx, bob)

    await return_late_jobs(clock.move(seconds=151))

    with pytest.raises(HordeError, match="Please check your worker speed"):
        await delivered(clock.ctx, bob, lost)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))
    assert (await progress(clock.ctx, request_id, kind="text")).restarted == 1
    await books_agree(clock.ctx)


async def test_cancelled_request_gives_back_what_was_held(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=3)
    job_id = await leased(clock.ctx, bob)

    await cancel(clock.ctx, request_id, kind="text")

    assert (await purse(clock.ctx, ada)).held_mk == MOST + kudos(1)
    await delivered(clock.ctx, bob, job_id)
    assert (await purse(clock.ctx, ada)).held_mk == 0
    assert await has(clock.ctx, ada) == kudos(1000 - 2) - WORTH
    await books_agree(clock.ctx)


async def test_texts_are_forgotten_with_their_request(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2)
    await delivered(clock.ctx, bob, await leased(clock.ctx, bob))

    assert await forget_expired(clock.move(minutes=23)) == 1

    with pytest.raises(RequestNotFound):
        await status(clock.ctx, request_id, kind="text")
    assert await look(clock.ctx, "SELECT result_text FROM jobs") == []
    await books_agree(clock.ctx)


async def test_pictures_hold_no_text(clock: Clock, ada: User, bob: User) -> None:
    await builders.asked(clock.ctx, ada)
    await builders.delivered(clock.ctx, bob, await builders.leased(clock.ctx, bob))

    assert await one(clock.ctx, "SELECT result_text FROM jobs") is None


# ------------------------------------------------------------------------------------------------- upfront
async def on_a_public_horde(clock: Clock) -> Context:
    """The context of a server that asks for kudos upfront."""
    settings: Settings = msgspec.structs.replace(clock.ctx.services.settings, upfront_kudos="on")
    return replace(clock.ctx, services=replace(clock.ctx.services, settings=settings))


async def test_long_text_is_refused_to_who_has_less_than_the_largest_model_takes(clock: Clock) -> None:
    ctx = await on_a_public_horde(clock)
    long = TextParams(max_length=600)
    poor = await user(ctx, "Poor", has=14 + 228.56)  # 600 x 8 / 21 = 228.57
    rich = await user(ctx, "Rich", has=14 + 228.57)

    with pytest.raises(KudosUpfront) as refusal:
        await asked(ctx, poor, params=long)

    assert refusal.value.message == (
        "It asks for 600 tokens, and at this load up to 512 are free. Such a request needs 228.57 kudos upfront,"
        " and 228.56 are there."
    )
    assert await asked(ctx, rich, params=long)
    await books_agree(ctx)


async def test_long_text_is_shortened_where_its_requestor_allows_it(clock: Clock) -> None:
    ctx = await on_a_public_horde(clock)
    poor = await user(ctx, "Poor", has=14)

    await asked(ctx, poor, params=TextParams(max_length=600), slow_workers=False, allow_downgrade=True)

    [request] = await look(ctx, "SELECT params ->> 'max_length' AS length, things FROM requests")
    assert request == {"length": "512", "things": 512}


# --------------------------------------------------------------------------------------------- being online
@pytest.mark.parametrize(
    ("said", "reward"),
    [
        ({"models": ("x-7b",)}, 145),  # 25 + 15 x 8
        ({"models": ("x-14b",)}, 290),
        ({"models": ("x-1b",)}, 36.25),  # a quarter at least
        ({"models": ("x-7b",), "features": []}, 43.5),
        ({"models": (UNKNOWN, "x-7b")}, 72.5),  # the first one counts
        ({"models": ("x-7b",), "sizes": {"max_length": 80, "max_context_length": 2**20}}, 3865),  # 25 + 15 x 256
    ],
)
async def test_being_online_is_paid_by_context_and_model(
    clock: Clock, bob: User, said: dict[str, Any], reward: float
) -> None:
    for minute in range(12):
        await builders.worker(clock.ctx if not minute else clock.move(minutes=1), bob, **(SAID | said))

    assert await earned(clock.ctx, bob) == kudos(reward)
    await books_agree(clock.ctx)


# ---------------------------------------------------------------------------------------------------- webhooks
async def test_webhook_is_told_the_text_itself_and_what_it_brought(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, webhook=webhook("https://receiver.example/hook"))
    job_id = await leased(clock.ctx, bob)
    await delivered(clock.ctx, bob, job_id, seed=5)

    [message] = await outbox(clock.ctx)
    assert message["picture"] is None
    assert message["body"] == {
        "text": WHOLE,
        "seed": 5,
        "worker_id": str(await one(clock.ctx, "SELECT id FROM workers")),
        "worker_name": "Atlas",
        "model": EIGHT,
        "id": job_id,
        "state": "ok",
        "gen_metadata": [],
        "request": request_id,
        "kudos": 11.26,
    }


# ------------------------------------------------------------------------------------------------ two servers
async def test_two_servers_hand_out_each_text_once(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=6)
    async with builders.nodes(clock.ctx, 2) as servers:
        jobs = await asyncio.gather(
            *(leased(server, bob, name=f"{place}-{turn}") for place, server in enumerate(servers) for turn in range(3))
        )
        paid = await asyncio.gather(*(delivered(servers[place % 2], bob, job) for place, job in enumerate(jobs)))

    assert len(set(jobs)) == 6
    assert sum(one.credited_mk for one in paid) == 6 * WORTH == await earned(clock.ctx, bob)
    assert Kudos(await has(clock.ctx, ada)) == kudos(1000 - 1 - 6) - 6 * WORTH
    await books_agree(clock.ctx)
