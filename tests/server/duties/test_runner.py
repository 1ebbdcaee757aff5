"""Duties are done when they are due, each for itself: one that fails keeps no other from its time."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from structlog.testing import capture_logs

from horde.server.context import Context
from horde.server.duties.runner import Runner, run_for_ever
from horde.server.duties.table import HOURLY, MINUTELY, Duty, duties
from horde.server.matching.lanes import DELETED_MAX
from horde.server.requests.expire import ROUND_MAX
from horde.server.webhooks.outbox import FORGOTTEN_MAX
from tests.plugins.hordes import Clock
from tests.server.builders import asked, comes_true, delivered, leased, user


@dataclass
class Record:
    """A duty that remembers when it was done."""

    counts: list[int | Exception]
    done_at: list[datetime] = field(default_factory=list)

    async def run(self, ctx: Context) -> int:
        self.done_at.append(ctx.now)
        count = self.counts[(len(self.done_at) - 1) % len(self.counts)]
        if isinstance(count, Exception):
            raise count
        return count


def duty(record: Record, name: str = "duty", period_s: float = 10, round_max: int | None = None) -> Duty:
    return Duty(name, timedelta(seconds=period_s), record.run, round_max)


async def run_for(clock: Clock, runner: Runner, seconds: int) -> list[list[str]]:
    """What was done in each of so many seconds."""
    seen = []
    for _ in range(seconds):
        seen.append(await runner.run_once(clock.now))
        clock.move(seconds=1)
    return seen


async def test_duty_is_done_at_once_and_then_once_a_period(clock: Clock) -> None:
    record, start = Record([1]), clock.now

    await run_for(clock, Runner(clock.ctx.services, (duty(record, period_s=10),)), 25)

    assert [(at - start).total_seconds() for at in record.done_at] == [0, 10, 20]


async def test_only_duties_that_had_something_to_do_are_named(clock: Clock) -> None:
    runner = Runner(clock.ctx.services, (duty(Record([0]), "idle"), duty(Record([3]), "busy")))

    assert await runner.run_once(clock.now) == ["busy"]


async def test_duty_that_fails_stops_no_other_and_comes_again(clock: Clock) -> None:
    failing, sound = Record([ZeroDivisionError("broken"), 1]), Record([1])
    runner = Runner(clock.ctx.services, (duty(failing, "failing"), duty(sound, "sound")))

    with capture_logs() as logs:
        seen = [await runner.run_once(clock.now), await runner.run_once(clock.move(seconds=10).now)]

    assert seen == [["sound"], ["failing", "sound"]]
    assert (len(failing.done_at), len(sound.done_at)) == (2, 2)
    assert [line["duty"] for line in logs if line["event"] == "duty.failed"] == ["failing"]


async def test_duty_with_more_to_do_comes_again_at_once(clock: Clock) -> None:
    pruning, other = Record([5, 5, 2]), Record([1])
    duties = (duty(pruning, "pruning", round_max=5), duty(other, "other", period_s=1))
    runner = Runner(clock.ctx.services, duties)

    times = [clock.now] * 4 + [clock.move(seconds=1).now, clock.move(seconds=9).now]
    seen = [(await runner.run_once(at), runner.is_due(at)) for at in times]

    # The others have their turn between two rounds, and after a round that was not full it is as ever.
    assert seen == [
        (["pruning", "other"], True),
        (["pruning"], True),
        (["pruning"], False),
        ([], False),
        (["other"], False),
        (["pruning", "other"], True),
    ]


async def test_full_round_of_one_duty_does_not_starve_another(clock: Clock) -> None:
    runner = Runner(clock.ctx.services, (duty(Record([5]), "endless", round_max=5), duty(Record([1]), "other")))

    rounds = [await runner.run_once(clock.move(seconds=5).now) for _ in range(4)]

    assert rounds == [["endless", "other"], ["endless"], ["endless", "other"], ["endless"]]


async def test_duty_that_fails_after_full_rounds_waits_for_its_time(clock: Clock) -> None:
    runner = Runner(clock.ctx.services, (duty(Record([5, ZeroDivisionError("broken")]), round_max=5),))

    rounds = []
    for _ in range(2):
        await runner.run_once(clock.now)
        rounds.append(runner.is_due(clock.now))

    assert rounds == [True, False]


async def test_full_rounds_follow_each_other_while_the_node_leads(clock: Clock) -> None:
    record = Record([5, 5, 5, 0])
    hourly = duty(record, period_s=3600, round_max=5)
    running = asyncio.create_task(run_for_ever(clock.ctx.services, (hourly,)))

    await comes_true(lambda: len(record.done_at) == 4)

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_table_says_of_what_has_rounds_how_much_a_round_is(clock: Clock) -> None:
    rounds = {duty.name: duty.round_max for duty in duties(clock.ctx.services.settings) if duty.round_max}

    assert rounds == {
        "return late jobs": ROUND_MAX,
        "forget expired requests": ROUND_MAX,
        "forget old webhook deliveries": FORGOTTEN_MAX,
        "delete unused lanes": DELETED_MAX,
    }


async def test_table_returns_late_jobs_and_forgets_expired_requests(clock: Clock) -> None:
    ada = await user(clock.ctx)
    runner = Runner(clock.ctx.services, duties(clock.ctx.services.settings))
    await asked(clock.ctx, ada)
    await leased(clock.ctx, ada)

    assert await runner.run_once(clock.move(minutes=2).now) == []
    assert await runner.run_once(clock.move(minutes=2).now) == ["return late jobs"]
    await delivered(clock.ctx, ada, await leased(clock.ctx, ada))
    assert await runner.run_once(clock.move(minutes=30).now) == ["forget expired requests"]
    assert await runner.run_once(clock.move(minutes=30).now) == []


def test_periods_are_the_operators(clock: Clock) -> None:
    settings = msgspec.structs.replace(clock.ctx.services.settings, duty_period_s=7)

    periods = {duty.name: duty.period for duty in duties(settings)}

    assert periods["return late jobs"] == timedelta(seconds=7)
    assert periods["forget expired requests"] == timedelta(seconds=14)
    # What only tidies up, or comes rarely, is nobody's to set.
    assert {period for name, period in periods.items() if period > timedelta(seconds=14)} == {MINUTELY, HOURLY}
