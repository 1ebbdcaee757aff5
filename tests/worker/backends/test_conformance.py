"""What every back end promises, whichever program or model is behind it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from PIL import Image

from horde.worker.backends.base import BackendFailed, ImageAbilities, ImageOrder, Picture, Progress, Text, TextOrder
from tests.worker.backends.programs.scenes import Order
from tests.worker.backends.stages import ALONE, PROGRAMS, STAGES, Program, Stage
from tests.worker.relay import relayed

HANGS_S = 30
"""No measure of speed: a test that hangs shall fail."""
SCENES = [pytest.param(stage, scene, id=f"{name}-{scene}") for name, stage in STAGES.items() for scene in stage.scenes]
FAILING = [
    pytest.param(program, scene, reason, id=f"{name}-{scene}")
    for name, program in PROGRAMS.items()
    for scene, reason in program.play.failing.items()
]
each_stage = pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
each_program = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())


async def made(backend: Any, order: Order) -> tuple[Sequence[Any], list[Progress]]:
    told: list[Progress] = []
    async with asyncio.timeout(HANGS_S):
        results = await backend.generate(order, told.append)
    return results, told


@pytest.mark.parametrize(("stage", "scene"), SCENES)
async def test_order_is_done_whole_and_in_order(stage: Stage, scene: str) -> None:
    order = stage.scenes[scene]
    async with stage.act(scene) as backend:
        await backend.start()
        results, _ = await made(backend, order)

    match order:
        case ImageOrder():
            assert_pictures(results, order)
        case TextOrder():
            assert_texts(results, order)


def assert_pictures(results: Sequence[Picture], order: ImageOrder) -> None:
    assert [result.seed for result in results] == list(order.seeds)
    for result in results:
        with Image.open(io.BytesIO(result.picture)) as image:
            assert (image.format, image.size) == ("WEBP", (order.width, order.height))


def assert_texts(results: Sequence[Text], order: TextOrder) -> None:
    assert len(results) == order.texts
    assert all(result.text for result in results)


@pytest.mark.parametrize(("stage", "scene"), SCENES)
async def test_progress_only_goes_up_and_ends_at_one(stage: Stage, scene: str) -> None:
    async with stage.act(scene) as backend:
        await backend.start()
        _, told = await made(backend, stage.scenes[scene])

    shares = [progress.share for progress in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(0 <= share <= 1 for share in shares)


@each_program
async def test_what_is_made_can_be_seen_before_it_is_finished(program: Program) -> None:
    order = program.scenes["one"]
    async with program.act("one") as backend:
        await backend.start()
        results, told = await made(backend, order)

    if isinstance(order, TextOrder):
        texts = [progress.text for progress in told if progress.text]
        assert texts[-1] == results[0].text
        assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    else:
        previews = [progress.preview for progress in told if progress.preview]
        with Image.open(io.BytesIO(previews[0])) as image:
            assert image.format == "WEBP"


@each_stage
async def test_offer_is_one_that_a_pop_may_make(stage: Stage) -> None:
    async with stage.act("one") as backend:
        await backend.start()
        abilities = backend.abilities

    assert abilities.models
    assert all(3 <= len(model) <= 255 for model in abilities.models)
    assert abilities.parallel >= 1
    if isinstance(abilities, ImageAbilities):
        assert abilities.pixels_max >= 64 * 64
        assert 1 <= abilities.images_max <= 20
    else:
        assert 16 <= abilities.tokens_max <= abilities.context_max


@pytest.mark.parametrize("stage", ALONE.values(), ids=ALONE.keys())
async def test_work_of_its_own_leaves_the_event_loop_alone(stage: Stage) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with stage.act("one") as backend:
        await backend.start()
        counting = asyncio.create_task(count())
        await made(backend, stage.scenes["one"])
        counting.cancel()

    assert turns > 10


@each_program
async def test_cancelled_order_is_taken_from_the_program_and_the_next_is_done(program: Program) -> None:
    order = program.scenes["one"]
    async with program.run("one") as replay:
        backend = program.play.made(replay.url)
        await backend.start()
        program.hold(replay)
        working = asyncio.create_task(backend.generate(order, lambda progress: None))
        async with asyncio.timeout(HANGS_S):
            await replay.held.wait()
            asked_before = len(replay.asked)
            working.cancel()
            with pytest.raises(asyncio.CancelledError):
                await working
            if program.play.working_path is not None:
                await replay.left.wait()
        assert program.play.stop is None or program.play.stop in replay.asked[asked_before:]

        program.release(replay)
        results, _ = await made(backend, order)
        await backend.close()

    assert len(results) == 1


@pytest.mark.parametrize(("program", "scene", "reason"), FAILING)
async def test_order_that_comes_to_nothing_fails_with_a_reason(program: Program, scene: str, reason: str) -> None:
    async with program.act(scene) as backend:
        await backend.start()
        with pytest.raises(BackendFailed, match=reason):
            await made(backend, program.play.scenes[scene])


@each_program
async def test_model_that_is_not_offered_is_refused_by_name(program: Program) -> None:
    async with program.act("one") as backend:
        await backend.start()
        with pytest.raises(BackendFailed, match="'nobody/knows-it'"):
            await made(backend, replace(program.scenes["one"], model="nobody/knows-it"))


@each_program
async def test_refusal_of_the_program_is_told_in_its_words(program: Program) -> None:
    async with program.run("one") as replay:
        backend = program.play.made(replay.url)
        await backend.start()
        with pytest.raises(BackendFailed, match=r"501: never recorded: POST "):
            await made(backend, replace(program.scenes["one"], prompt="words that were never sent"))
        await backend.close()


@each_program
async def test_start_without_the_program_says_where_it_was_looked_for(program: Program) -> None:
    async with relayed(None) as nobody:
        backend = program.play.made(nobody.url)
        with pytest.raises(BackendFailed, match=f"does not answer at {nobody.url}"):
            await backend.start()
        await backend.close()


@each_program
async def test_program_that_dies_at_work_costs_the_order_and_no_more(program: Program) -> None:
    order = program.scenes["one"]
    async with program.run("one") as replay, relayed(replay.url) as line:
        backend = program.play.made(line.url)
        await backend.start()
        program.hold(replay)
        working = asyncio.create_task(backend.generate(order, lambda progress: None))
        async with asyncio.timeout(HANGS_S):
            await replay.held.wait()
            line.target = None
            line.cut()
            with pytest.raises(BackendFailed, match="does not answer at"):
                await working

        line.target = replay.url
        program.release(replay)
        results, _ = await made(backend, order)
        await backend.close()

    assert len(results) == 1


@each_program
async def test_worker_waits_while_the_program_is_away(program: Program) -> None:
    async with program.run("one") as replay, relayed(replay.url) as line:
        backend = program.play.made(line.url)
        await backend.start()
        line.target = None
        line.cut()
        waiting = asyncio.create_task(backend.ready())
        async with asyncio.timeout(HANGS_S):
            await line.turned_away.wait()
            assert not waiting.done()
            line.target = replay.url
            await waiting
        await backend.close()
