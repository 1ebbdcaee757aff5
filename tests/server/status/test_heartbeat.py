"""The heartbeat tells how the server is, above all when its database is away."""

from horde.server.status.heartbeat import Heartbeat, heartbeat
from tests.plugins.hordes import Clock
from tests.server.builders import asked, nodes, popped, user, worker


async def test_heartbeat_counts_what_waits_and_who_is_online(clock: Clock) -> None:
    ada = await user(clock.ctx)
    await asked(clock.ctx, ada, n=3)
    await popped(clock.ctx, ada, "Atlas", threads=2)
    await worker(clock.ctx, ada, "Zeus", threads=3)

    assert await heartbeat(clock.ctx) == Heartbeat(has_database=True, queue=2, threads=5, workers=2)


async def test_heartbeat_beats_without_a_database(clock: Clock) -> None:
    async with nodes(clock.ctx, 1) as [lost]:
        pass  # from here on its pool is closed: nothing can be reached through it

    assert await heartbeat(lost) == Heartbeat(has_database=False, queue=0, threads=0, workers=0)
