"""What teams are counted for, also while others change them."""

import asyncio

from horde.server.context import Context
from horde.server.teams.manage import change_team, delete_team, found_team
from horde.server.teams.read import Team, team_seen
from horde.server.workers.modify import Changes
from horde.server.workers.modify import change as change_worker
from horde.server.workers.record import Done, credit
from horde.units import Kudos
from tests.plugins.hordes import Clock
from tests.server.builders import MODEL, change, earned, nodes, one, user, worker


async def counted(ctx: Context, team: Team) -> Team:
    return (await team_seen(ctx, str(team.id))).team


async def test_time_online_counts_for_the_team_when_it_is_paid(clock: Clock) -> None:
    ada = await user(clock.ctx, "Ada", has=0, is_trusted=True)
    foxes = await found_team(clock.ctx, ada, "Foxes", None)
    atlas, zeus = await worker(clock.ctx, ada, "Atlas"), await worker(clock.ctx, ada, "Zeus")
    for member in (atlas, zeus):
        await change_worker(clock.ctx, member.id, Changes(team_id=str(foxes.id)))

    for _ in range(5):
        clock.move(seconds=121)
        await worker(clock.ctx, ada, "Atlas")
        await worker(clock.ctx, ada, "Zeus")

    found = await counted(clock.ctx, foxes)
    assert (found.uptime_s, found.earned_mk, found.fulfilled) == (1200, 0, 0)
    assert await earned(clock.ctx, ada) > 0


async def test_members_of_several_teams_deliver_at_once_and_all_is_counted(clock: Clock) -> None:
    ada = await user(clock.ctx, "Ada", is_trusted=True)
    teams = [await found_team(clock.ctx, ada, f"Team {i}", None) for i in range(4)]
    members = [await worker(clock.ctx, ada, f"Worker {i}") for i in range(8)]
    for i, member in enumerate(members):
        await change_worker(clock.ctx, member.id, Changes(team_id=str(teams[i % 4].id)))

    def done(i: int) -> Done:
        return Done(worker_id=members[i].id, kind="image", model=MODEL, things=100, seconds=1, earned=Kudos(10),
                    team_id=teams[i % 4].id)  # fmt: skip

    async def deliver(ctx: Context, order: list[int]) -> None:
        async with ctx.database.transaction() as tx:
            await credit(tx, [done(i) for i in order], now=ctx.now)

    async with nodes(clock.ctx, 2) as (first, second):
        # Other workers of the same teams: nothing but the teams makes the one wait for the other.
        forth, back = [0, 1, 2, 3], [7, 6, 5, 4]
        renames = (change_team(first, ada, teams[i], name=f"Renamed {i}", info=None) for i in range(3))
        calls = [deliver(ctx, order) for ctx in (first, second) for order in (forth, back) for _ in range(20)]
        await asyncio.gather(*calls, *renames, delete_team(second, ada, teams[3]))

    for team in teams[:3]:
        found = await counted(clock.ctx, team)
        assert (found.fulfilled, found.earned_mk, found.name[:7]) == (80, 800, "Renamed")


async def test_new_name_and_the_end_of_a_team_are_changes_of_its_workers(clock: Clock) -> None:
    # So who remembers workers, and looks at those alone that changed, hears of them.
    ada = await user(clock.ctx, "Ada", is_trusted=True)
    foxes = await found_team(clock.ctx, ada, "Foxes", None)
    await change_worker(clock.ctx, (await worker(clock.ctx, ada, "Atlas")).id, Changes(team_id=str(foxes.id)))

    async def has_changed() -> bool:
        changed = await one(clock.ctx, "SELECT changed_at > now() - interval '1 minute' AS changed FROM workers")
        await change(clock.ctx, "UPDATE workers SET changed_at = changed_at - interval '1 hour'")
        return bool(changed)

    assert await has_changed()
    await change_team(clock.ctx, ada, foxes, name="Wolves", info=None)
    assert await has_changed()
    await delete_team(clock.ctx, ada, foxes)
    assert await has_changed()
