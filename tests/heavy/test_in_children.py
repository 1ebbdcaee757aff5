"""The back end as the worker runs it: in child processes, which may be killed, stopped and out of memory."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest

from horde.worker.backends.base import BackendFailed, ImageAbilities, ImageOrder, OutOfMemory, Picture, Progress
from horde.worker.backends.diffusers import diffusers
from horde.worker.child.engine import IMAGES
from horde.worker.child.host import Children
from tests.heavy.conftest import DEVICE, Laid, Make, order_of

ImageChildren = Children[ImageAbilities, ImageOrder, Picture]
LONG = 500
"""Steps that no test waits for."""


def silent(_progress: Progress) -> None:
    """For orders whose progress nobody looks at."""


@asynccontextmanager
async def started(children: ImageChildren) -> AsyncIterator[ImageChildren]:
    try:
        await children.start()
        yield children
    finally:
        await children.close()


async def test_child_makes_the_same_picture_as_any_other_process(laid: Laid, make: Make) -> None:
    async with started(diffusers(**laid.options)) as children:
        (picture,) = await children.generate(order_of(4), silent)

        assert children.abilities.models == ("flux", "sd", "sdxl")
        assert (children.abilities.img2img, children.abilities.painting, children.abilities.lora) == (True, True, True)
        assert (children.abilities.controlnet, children.abilities.sdxl_controlnet) == (True, True)
    assert picture.picture == make(4)[0].picture


async def test_child_killed_in_the_middle_of_a_picture_costs_only_that(laid: Laid) -> None:
    async with started(diffusers(**laid.options)) as children:
        before = children.pids
        lost, stopped = asyncio.Event(), asyncio.Event()
        loss = asyncio.create_task(children.generate(order_of(steps=LONG), lambda _progress: lost.set()))
        await lost.wait()
        os.kill(before[0], signal.SIGKILL)
        with pytest.raises(BackendFailed, match="died with signal 9"):
            await loss

        long = asyncio.create_task(children.generate(order_of(steps=LONG), lambda _progress: stopped.set()))
        await stopped.wait()
        long.cancel()  # and this one ends at its next step
        assert await children.generate(order_of(), silent)
        assert len(children.pids) == 1
        assert children.pids != before


async def test_each_device_has_a_child_of_its_own(laid: Laid) -> None:
    async with started(diffusers(**{**laid.options, "devices": [DEVICE, DEVICE]})) as children:
        assert len(set(children.pids)) == children.abilities.parallel == 2
        first, second = await asyncio.gather(*(children.generate(order_of(4), silent) for _ in range(2)))

    assert first == second


@pytest.mark.skipif(DEVICE.startswith("cuda"), reason="a card's memory is not bound by the process")
async def test_picture_too_large_for_the_memory_says_so_and_smaller_ones_go_on(laid: Laid) -> None:
    settings: Mapping[str, object] = {"device": "cpu", "options": laid.options}
    async with started(Children(IMAGES, "tests.heavy.narrow:diffusers", [settings])) as children:
        before = children.pids
        with pytest.raises(OutOfMemory, match="no memory on cpu for 1 of 2048x2048 by 'sd'"):
            await children.generate(order_of(size=(2048, 2048), steps=1), silent)

        assert await children.generate(order_of(), silent)
        assert children.pids == before


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ("nowhere", "the folder of models '.*nowhere' is not there"),
        ("loras", "of no family that is known; known are stable_diffusion_xl, stable_diffusion_1, flux_1"),
        ("broken", "cannot be loaded: "),
        ("empty", "there is no model in "),
    ],
)
async def test_models_that_cannot_be_used_are_named_at_the_start(laid: Laid, models: str, words: str) -> None:
    folder = laid.folder / models
    if models == "empty":
        folder.mkdir()
    if models == "broken":
        (folder / "half").mkdir(parents=True)
        (folder / "half" / "model_index.json").write_bytes((laid.folder / "models/sd/model_index.json").read_bytes())

    with pytest.raises(BackendFailed, match=words):
        async with started(diffusers(models=str(folder), devices=["cpu"])):
            pytest.fail("it was started")
