"""Adding a kind stays one file: a toy kind, told in one place here, goes all the way through the engine."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from horde.errors import BadInput, DuplicateGen, InvalidJobID, RequestNotFound
from horde.kinds import KINDS
from horde.kinds.base import ChargeTerms, Draft, Heavy, Kind, Needs, Unit
from horde.server.accounts.keys import authenticate
from horde.server.accounts.register import register
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.requests.cancel import cancel
from horde.server.requests.deliver import deliver, report_fault
from horde.server.requests.expire import forget_expired, return_late_jobs
from horde.server.requests.pop import Idle, pop
from horde.server.requests.read import progress, status
from horde.server.requests.results import Delivery
from horde.server.requests.submit import submit
from horde.server.status.account import account
from horde.server.status.performance import performance
from horde.units import Kudos, kudos
from tests.plugins.hordes import Clock, RunningHorde
from tests.server.agreement import books_agree
from tests.server.builders import ask, earned, has, idle, leased, popped, purse, user
from tests.server.webhooks.scene import outbox, webhook


# ----------------------------------------------------------------------------------- all there is to a kind
class Tune(msgspec.Struct, kw_only=True):
    """How a tune is to be played."""

    bars: Annotated[int, Meta(ge=1, le=64)] = 8


def check(draft: Draft[Tune]) -> None:
    if not draft.prompt:
        raise BadInput("A tune needs a theme.")


def needs(draft: Draft[Tune]) -> Needs:
    return Needs(
        kind="tune",
        models=tuple(sorted(set(draft.models))),
        features=("polyphony",) if draft.params.bars > 32 else (),
        sizes=(("bars", draft.params.bars),),
    )


def estimate(draft: Draft[Tune]) -> Kudos:
    return Kudos(draft.n * kudos(draft.params.bars + 1) + kudos(1))


def heavy(draft: Draft[Tune], *, threads: int, queued: int, upfront_for_lists: bool = False) -> Heavy | None:
    return None


def tax(draft: Draft[Tune], *, has_foreign_style: bool = False) -> Kudos:
    return kudos(1)


def downgraded(draft: Draft[Tune], *, threads: int, queued: int) -> Draft[Tune]:
    return draft


def payload(params: Tune, prompt: str, n: int, seed: int) -> dict[str, object]:
    return {"theme": prompt, "bars": params.bars, "n": n, "seed": seed}


def uptime_reward(_instruments: Sequence[str], _features: Collection[str], _sizes: Mapping[str, int]) -> Kudos:
    return kudos(5)


TUNE = Kind(
    name="tune",
    params=Tune,
    check=check,
    needs=needs,
    things=lambda params: params.bars,
    unit=Unit("bars", 1),
    default_speed=1.0,
    slow_below=lambda _instruments: 0.5,
    abilities=lambda _agent: frozenset(),
    price=lambda draft: kudos(draft.params.bars),
    any_model="piano",
    worth=lambda price, _instrument, _needs: price,
    pay_share=lambda _agent: 1.0,
    uptime_reward=uptime_reward,
    charge_terms=lambda _draft: ChargeTerms(factor=1.0, extra=kudos(1)),
    tax=tax,
    estimate=estimate,
    heavy=heavy,
    downgraded=downgraded,
    lease_s=lambda params, _instruments: 60 + params.bars,
    lease_factor_extra_slow=1,
    payload=payload,
    batch_max=lambda _params, _sizes, amount: amount,
    size_in_words=lambda _name, bars: f"{bars:,} bars",
    skip_keys_shown=(),
    makes_files=False,
    result_field="score",
)


# -------------------------------------------------------------------------------------------- what it can do
SONG = Draft(kind="tune", prompt="a horse", params=Tune(), models=("piano",), nsfw=False, censor_nsfw=False)
SAID: dict[str, Any] = {"kind": "tune", "models": ("piano",), "sizes": {"bars": 32}}


@pytest.fixture(autouse=True)
def tune(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in `KINDS`, for the time of a test."""
    monkeypatch.setitem(KINDS, TUNE.name, TUNE)


@pytest.fixture
async def ada(clock: Clock) -> User:
    """Who asks."""
    return await user(clock.ctx, "Ada", has=1000)


@pytest.fixture
async def bob(clock: Clock) -> User:
    """Who serves."""
    return await user(clock.ctx, "Bob", has=0)


def score(job_id: str) -> Delivery:
    return Delivery(job_id=job_id, kind="tune", text="c d e", state="ok", seed=7, gen_metadata=[])


async def asked(ctx: Context, requestor: User, **changes: Any) -> str:
    return (await submit(ctx, requestor, replace(SONG, **changes))).id


async def test_toy_kind_goes_all_the_way(clock: Clock, ada: User, bob: User) -> None:
    request_id = await asked(clock.ctx, ada, n=2)
    assert (await purse(clock.ctx, ada)).held_mk == kudos(2 * 9)

    jobs = await popped(clock.ctx, bob, amount=2, **SAID)
    assert (jobs.model, jobs.lease_s) == ("piano", 150)  # the server's least
    assert jobs.payload == {"theme": "a horse", "bars": 8, "n": 2, "seed": jobs.payload["seed"]}
    for job_id in jobs.job_ids:
        await deliver(clock.ctx, bob, score(job_id))

    found = await status(clock.ctx, request_id, kind="tune")
    assert [result.result_text for result in found.results] == ["c d e", "c d e"]
    assert (found.progress.is_done, found.progress.charged) == (True, kudos(1 + 2 * 9))
    assert (await has(clock.ctx, ada), await earned(clock.ctx, bob)) == (kudos(981), kudos(16))
    await books_agree(clock.ctx)


async def test_toy_is_matched_by_its_own_rules_and_nobody_is_offered_it_who_is_of_another_kind(
    clock: Clock, ada: User, bob: User
) -> None:
    request_id = await asked(clock.ctx, ada, params=Tune(bars=40))

    assert await idle(clock.ctx, bob, "Painter", models=("piano",)) == {}
    assert await idle(clock.ctx, bob, **SAID) == {"bars": 1, "bridge_version": 1}
    assert (await progress(clock.ctx, request_id, kind="tune")).explanation == (
        "No worker online takes 40 bars, and none has a program that knows polyphony; the most is 32 bars."
    )
    await leased(clock.ctx, bob, **SAID | {"sizes": {"bars": 64}, "features": ["polyphony"]})


async def test_toy_refuses_what_its_check_refuses(clock: Clock, ada: User) -> None:
    with pytest.raises(BadInput, match="needs a theme"):
        await asked(clock.ctx, ada, prompt="")


async def test_toy_is_lost_given_up_cancelled_and_forgotten_as_any_other(clock: Clock, ada: User, bob: User) -> None:
    request_id, other = await asked(clock.ctx, ada), await asked(clock.ctx, ada)
    await leased(clock.ctx, bob, **SAID)
    await return_late_jobs(clock.move(minutes=3))
    for _ in range(2):
        await report_fault(clock.ctx, bob, await leased(clock.ctx, bob, **SAID), kind="tune")
    assert (await progress(clock.ctx, request_id, kind="tune")).is_faulted

    await cancel(clock.ctx, other, kind="tune")
    assert isinstance(await pop(clock.ctx, bob, ask(**SAID)), Idle)
    await forget_expired(clock.move(hours=1))

    with pytest.raises(RequestNotFound):
        await status(clock.ctx, request_id, kind="tune")
    assert (await purse(clock.ctx, ada)).held_mk == 0
    await books_agree(clock.ctx)


async def test_toy_job_is_delivered_once_and_as_what_it_is(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada)
    job_id = await leased(clock.ctx, bob, **SAID)

    with pytest.raises(InvalidJobID):
        await deliver(clock.ctx, bob, replace(score(job_id), kind="text"))
    await deliver(clock.ctx, bob, score(job_id))
    with pytest.raises(DuplicateGen):
        await deliver(clock.ctx, bob, score(job_id))


async def test_toy_is_counted_told_and_read_where_all_kinds_are(clock: Clock, ada: User, bob: User) -> None:
    await asked(clock.ctx, ada, n=2, webhook=webhook("https://ada.example/hook"))
    await deliver(clock.ctx, bob, score(await leased(clock.ctx, bob, **SAID)))

    [told] = await outbox(clock.ctx)
    assert '"score":"c d e"' in str(told["body"]).replace(": ", ":").replace("'", '"')
    found = await performance(clock.ctx, "tune")
    assert (found.jobs_waiting, found.things_waiting, found.workers, found.things_in_past_minute) == (1, 8, 1, 8)
    [record] = (await account(clock.ctx, ada)).records
    assert (record.kind, record.requests, record.used) == ("tune", 1, 8)


async def test_routes_of_others_know_how_to_show_it(clock: Clock, horde: RunningHorde, ada: User, bob: User) -> None:
    key = (await register(clock.ctx, "Cleo")).key
    cleo = await authenticate(clock.ctx, key)
    await asked(clock.ctx, cleo)
    await deliver(clock.ctx, bob, score(await leased(clock.ctx, bob, **SAID)))

    def shown() -> list[Any]:
        with horde.client(key) as client:
            paths = ("workers?type=tune", "status/models/piano", "find_user", "status/performance")
            return [client.get(f"/api/v2/{path}").json() for path in paths]

    workers, models, account_of_cleo, _ = await asyncio.to_thread(shown)

    assert [(worker["type"], worker["models"]) for worker in workers] == [("tune", ["piano"])]
    assert [(model["name"], model["type"]) for model in models] == [("piano", "tune")]
    assert account_of_cleo["records"]["request"] == {"image": 0, "text": 0, "interrogation": 0}
