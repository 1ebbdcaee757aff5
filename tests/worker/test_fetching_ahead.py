"""What jobs name is there before the machine is free for them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import stamina

from horde.client import AsyncHorde
from horde.kinds.image_params import ImageParams, Lora, TextualInversion
from horde.wire.v2 import GenerateAsync
from horde.worker.backends.base import ImageAbilities, Progress
from tests.api.actors import MODEL
from tests.plugins.hordes import RunningHorde
from tests.worker.models.lora_site import Item, LoraSite, serving
from tests.worker.shifts import PATIENCE_S, Gated, on_shift, worker_settings

INK = Item(model=7, version=70, name="Ink", content=b"ink", triggers=["inked"])
WORD = Item(model=8, version=80, name="Word", content=b"word", type="TextualInversion")
WITH_BOTH = GenerateAsync(
    prompt="a stable",
    models=[MODEL],
    params=ImageParams(
        width=64, height=64, loras=[Lora(name="70", is_version=True), Lora(name="Own")], tis=[TextualInversion("word")]
    ),
)


@pytest.fixture
def site() -> Iterator[LoraSite]:
    with serving(LoraSite(INK, WORD)) as site:
        yield site


class WithLoras(Gated):
    """Works with LoRAs from files, and has one itself."""

    def __init__(self, *, is_open: bool = False) -> None:
        super().__init__(is_open=is_open)
        self.abilities = ImageAbilities(
            models=(MODEL,), pixels_max=512 * 512, takes_add_ons=("lora", "ti"), own_add_ons=("own",)
        )


async def test_loras_are_fetched_while_the_job_before_is_made(
    horde: RunningHorde, site: LoraSite, tmp_path: Path
) -> None:
    backend = WithLoras()
    settings = worker_settings(horde.url, queue_size=1, civitai_url=site.url, data=tmp_path)
    async with AsyncHorde(horde.url) as requestor, on_shift(settings, backend):
        first = await requestor.generate("a stable", width=64, height=64, steps=1)
        await backend.next_order()
        second = await requestor.submit(WITH_BOTH)
        backend.reports[0](Progress(share=0.999))
        async for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.05):
            with attempt:
                assert {"/download/70", "/download/80"} <= set(site.asked)
        assert backend.orders.empty()  # fetched, and not begun
        backend.gate.set()
        order = await backend.next_order()
        await asyncio.gather(first.wait(timeout_s=PATIENCE_S), second.wait(timeout_s=PATIENCE_S))

    assert [(add_on.kind, add_on.name, add_on.triggers) for add_on in order.add_ons] == [
        ("lora", "70", ("inked",)),
        ("ti", "word", ()),
    ]
    assert "/models" in site.asked  # for the inversion, which has a name; and nobody asked for what is there
    assert len(site.asked) == 4


async def test_owner_who_gives_no_room_for_loras_offers_and_fetches_none(
    horde: RunningHorde, site: LoraSite, tmp_path: Path
) -> None:
    settings = worker_settings(horde.url, civitai_url=site.url, data=tmp_path, max_lora_cache_size=0)
    backend = WithLoras(is_open=True)
    only_inversion = GenerateAsync(
        prompt="a stable", models=[MODEL], params=ImageParams(width=64, height=64, tis=[TextualInversion("word")])
    )
    async with AsyncHorde(horde.url) as requestor, on_shift(settings, backend):
        waiting = await requestor.submit(WITH_BOTH)
        await (await requestor.submit(only_inversion)).wait(timeout_s=PATIENCE_S)
        assert (await waiting.check()).processing == 0
        await waiting.cancel()

    assert (await backend.next_order()).add_ons == ()
    assert site.asked == []
