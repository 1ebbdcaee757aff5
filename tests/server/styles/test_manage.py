"""Changes of styles and collections that meet each other."""

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from horde.errors import StyleNotFound
from horde.server.styles.collections import CollectionContent, change_collection, collection_by_id
from horde.server.styles.manage import change_style, delete_style
from horde.server.styles.read import style_by_id
from tests.plugins.hordes import Clock
from tests.server.builders import nodes, user
from tests.server.styles.scene import collection, style


async def test_changes_of_different_parts_of_a_style_both_hold(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    seen = await style_by_id(clock.ctx, str(await style(clock.ctx, ada)), "image")

    await change_style(clock.ctx, ada, seen, lambda now: replace(now, is_nsfw=True), None)
    await change_style(clock.ctx, ada, seen, lambda now: replace(now, name="Ink"), None)

    found = await style_by_id(clock.ctx, str(seen.id), "image")
    assert (found.is_nsfw, found.name) == (True, "Ink")


async def test_style_that_was_deleted_meanwhile_cannot_be_changed(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    seen = await style_by_id(clock.ctx, str(await style(clock.ctx, ada)), "image")
    await delete_style(clock.ctx, ada, seen)

    with pytest.raises(StyleNotFound):
        await change_style(clock.ctx, ada, seen, lambda now: replace(now, name="Ink"), None)


async def test_changes_of_different_parts_of_a_collection_both_hold(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    oil, ink = await style(clock.ctx, ada), await style(clock.ctx, ada, "Ink")
    seen = await collection_by_id(clock.ctx, str(await collection(clock.ctx, ada, oil)))

    await change_collection(clock.ctx, ada, seen, CollectionContent(info="All of them."))
    await change_collection(clock.ctx, ada, seen, CollectionContent(name="Drawings", is_public=False))
    await change_collection(clock.ctx, ada, seen, CollectionContent(styles=(str(ink),)))

    found = await collection_by_id(clock.ctx, str(seen.id))
    assert (found.info, found.name, found.is_public) == ("All of them.", "Drawings", False)
    assert [member.id for member in found.styles] == [ink]


async def test_of_styles_that_replace_each_other_at_once_one_lot_stays(clock: Clock) -> None:
    ada = await user(clock.ctx, is_trusted=True)
    made = [str(await style(clock.ctx, ada, name)) for name in ("Oil", "Ink", "Chalk")]
    seen = await collection_by_id(clock.ctx, str(await collection(clock.ctx, ada, UUID(made[0]))))
    lots = [(made[0], made[1]), (made[1], made[2])]

    async with nodes(clock.ctx, 2) as both:
        calls = [change_collection(node, ada, seen, CollectionContent(styles=lot)) for lot in lots * 5 for node in both]
        await asyncio.gather(*calls)

    found = await collection_by_id(clock.ctx, str(seen.id))
    assert tuple(str(member.id) for member in found.styles) in lots
