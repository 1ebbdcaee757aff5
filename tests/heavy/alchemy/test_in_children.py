"""The back end as the worker runs it: in a child process, which may be short of memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from PIL import Image

from horde.worker.backends.alchemy import alchemy
from horde.worker.backends.base import AlchemyAbilities, BackendFailed, Finding, FormOrder, OutOfMemory
from horde.worker.child.engine import ALCHEMY
from horde.worker.child.host import Children
from tests.heavy.alchemy.conftest import Cabinet, Do, noise, opened, order_of
from tests.heavy.conftest import DEVICE
from tests.heavy.test_in_children import silent

Alchemists = Children[AlchemyAbilities, FormOrder, Finding]


@asynccontextmanager
async def started(children: Alchemists) -> AsyncIterator[Alchemists]:
    try:
        await children.start()
        yield children
    finally:
        await children.close()


async def test_child_finds_the_same_as_any_other_process(cabinet: Cabinet, do: Do) -> None:
    picture = noise(60, 40)
    async with started(alchemy(**cabinet.options)) as children:
        for form in children.abilities.forms:
            assert list(await children.generate(order_of(form, picture), silent)) == [do(form, picture)]
        assert len(children.abilities.forms) == 11


async def test_form_that_cannot_be_done_costs_itself_alone(cabinet: Cabinet) -> None:
    async with started(alchemy(**cabinet.options)) as children:
        with pytest.raises(BackendFailed, match="the picture cannot be read"):
            await children.generate(FormOrder(form="caption", picture=b"junk", payload={}), silent)
        assert await children.generate(order_of("caption", noise(9, 9)), silent)


@pytest.mark.skipif(DEVICE.startswith("cuda"), reason="a card's memory is not bound by the process")
async def test_short_memory_makes_squares_smaller_and_is_told_when_that_does_not_help(cabinet: Cabinet) -> None:
    options = {"post_processing": {**cabinet.tools, "tile_px": 4096}, "devices": ["cpu"], "tiles_max": 64}
    settings = {"device": "cpu", "options": options}
    async with started(Children(ALCHEMY, "tests.heavy.narrow:alchemy", [settings])) as children:
        before = children.pids
        # Smooth, for noise takes more memory to be written than to be upscaled.
        smooth = Image.linear_gradient("L").resize((768, 768)).convert("RGB")
        (made,) = await children.generate(order_of("4x_AnimeSharp", smooth), silent)
        assert opened(made).size == (3072, 3072)

        with pytest.raises(OutOfMemory, match="there is no memory to upscale 2500x2500: "):
            await children.generate(order_of("4x_AnimeSharp", noise(2500, 2500)), silent)
        assert await children.generate(order_of("4x_AnimeSharp", noise(9, 9)), silent)
        assert children.pids == before
