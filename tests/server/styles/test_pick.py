"""Which style a request means, and for how long a process goes by what it saw."""

from dataclasses import replace

import pytest

from horde.errors import StyleNotFound
from horde.server.styles.manage import change_style, delete_style
from horde.server.styles.pick import REMEMBERED_FOR, pick
from horde.server.styles.read import style_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import nodes, seldom_looking, user
from tests.server.styles.scene import collection, style


async def test_chance_takes_one_of_all_styles_of_a_collection(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    made = [await style(clock.ctx, ada, name) for name in ("Oil", "Ink", "Chalk")]
    paintings = await collection(clock.ctx, ada, *made)

    first = await pick(clock.ctx, "image", "Paintings", choose=lambda styles: styles[0])
    last = await pick(clock.ctx, "image", str(paintings), choose=lambda styles: styles[-1])

    assert [first.use.style_id, last.use.style_id] == [made[0], made[2]]
    assert {first.use.collection_id, last.use.collection_id} == {paintings}


async def test_style_goes_before_a_collection_of_its_name(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    oil, ink = await style(clock.ctx, ada), await style(clock.ctx, ada, "Ink")
    await collection(clock.ctx, ada, ink, name="Oil")

    assert (await pick(clock.ctx, "image", "Oil", choose=lambda styles: styles[-1])).use.style_id == oil
    assert (await pick(clock.ctx, "image", "collection::Oil")).use.style_id == ink


async def test_own_changes_are_seen_at_once_and_those_of_other_nodes_soon(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    oil = await style(clock.ctx, ada)
    here = seldom_looking(clock.ctx)
    async with nodes(clock.ctx, 1) as (elsewhere,):
        assert (await pick(here, "image", "Oil")).style.prompt == "oil {p}{np}"
        seen = await style_by_id(here, str(oil), "image")
        await change_style(here, ada, seen, lambda now: replace(now, prompt="oils {p}{np}"), None)
        assert (await pick(here, "image", "Oil")).style.prompt == "oils {p}{np}"

        await delete_style(elsewhere, ada, await style_by_id(elsewhere, str(oil), "image"))

        assert (await pick(here, "image", "Oil")).style.id == oil
        later = seldom_looking(clock.move(seconds=REMEMBERED_FOR.total_seconds()))
        with pytest.raises(StyleNotFound):
            await pick(later, "image", "Oil")
