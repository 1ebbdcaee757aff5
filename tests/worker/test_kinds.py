"""A worker serves every kind, alone and side by side, against a real server."""

import asyncio
import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import httpx
import stamina
from PIL import Image

from horde.client import AsyncHorde
from horde.worker.backends.base import (
    AlchemyAbilities,
    AnyBackend,
    Finding,
    FormOrder,
    Progress,
    Report,
    Text,
    TextAbilities,
    TextOrder,
)
from tests.api.actors import Json, picture
from tests.plugins.hordes import RunningHorde
from tests.worker.shifts import PATIENCE_S, Gated, team_on_shift, worker_settings


class Writer:
    """A back end that writes the prompt again, in capitals."""

    abilities = TextAbilities(models=("test/writer",), tokens_max=100, context_max=1000)

    def __init__(self) -> None:
        self.orders: list[TextOrder] = []

    async def start(self) -> None:
        pass

    async def ready(self) -> None:
        pass

    async def generate(self, order: TextOrder, report: Report) -> Sequence[Text]:
        self.orders.append(order)
        report(Progress(share=0.5, text="half"))
        return [Text(text=f"{order.prompt.upper()} {number}", seed=number) for number in range(order.texts)]

    async def close(self) -> None:
        pass


class Alchemist:
    """A back end that tells the size of a picture, and turns it around."""

    abilities = AlchemyAbilities(forms=("caption", "RealESRGAN_x2plus"))

    async def start(self) -> None:
        pass

    async def ready(self) -> None:
        pass

    async def generate(self, order: FormOrder, report: Report) -> Sequence[Finding]:
        with Image.open(io.BytesIO(order.picture)) as image:
            words = f"{image.width}x{image.height}"
            if order.form == "caption":
                return [Finding(form=order.form, value=words)]
            buffer = io.BytesIO()
            image.rotate(90).save(buffer, "WEBP")
            return [Finding(form=order.form, value=None, picture=buffer.getvalue())]

    async def close(self) -> None:
        pass


def finished(client: httpx.Client, path: str) -> Json:
    """The status of a request once it is done."""
    found: Json = {}
    for attempt in stamina.retry_context(on=AssertionError, attempts=None, timeout=PATIENCE_S, wait_max=0.1):
        with attempt:
            found = client.get(path).json()
            assert found.get("done") or found.get("state") == "done", found
    return found


def text_of(client: httpx.Client) -> Json:
    """A text of two answers, asked for and awaited."""
    params = {"n": 2, "max_length": 30, "max_context_length": 500}
    asked = client.post("/api/v2/generate/text/async", json={"prompt": "a stable", "params": params})
    return finished(client, f"/api/v2/generate/text/status/{asked.json()['id']}")


def forms_of(client: httpx.Client) -> Json:
    """Two forms of a picture, asked for and awaited."""
    source = base64.b64encode(picture()).decode()
    forms = [{"name": "caption"}, {"name": "RealESRGAN_x2plus"}]
    asked = client.post("/api/v2/interrogate/async", json={"forms": forms, "source_image": source})
    return finished(client, f"/api/v2/interrogate/status/{asked.json()['id']}")


async def in_thread(horde: RunningHorde, play: Callable[[httpx.Client], Json]) -> Json:
    """A requestor who does not know of our event loop."""
    with horde.client() as client:
        return await asyncio.to_thread(play, client)


async def test_texts_are_written_and_delivered(horde: RunningHorde) -> None:
    writer = Writer()
    async with team_on_shift(worker_settings(horde.url), {"writer": writer}):
        found = await in_thread(horde, text_of)

    assert sorted(one["text"] for one in found["generations"]) == ["A STABLE 0", "A STABLE 1"]
    assert (writer.orders[0].tokens, writer.orders[0].context) == (30, 500)


async def test_forms_are_told_and_pictures_of_forms_are_stored(horde: RunningHorde) -> None:
    async with team_on_shift(worker_settings(horde.url), {"alchemist": Alchemist()}):
        found = await in_thread(horde, forms_of)

    told = {form["form"]: form["result"] for form in found["forms"]}
    assert told["caption"] == {"caption": "64x64"}
    async with AsyncHorde(horde.url) as requestor:
        turned = await requestor.download(told["RealESRGAN_x2plus"]["RealESRGAN_x2plus"])
    assert Image.open(io.BytesIO(turned)).size == (64, 64)


async def test_back_end_that_works_on_several_at_once_gets_as_many(horde: RunningHorde) -> None:
    painter = Gated()
    painter.abilities = replace(painter.abilities, parallel=2)
    async with AsyncHorde(horde.url) as requestor, team_on_shift(worker_settings(horde.url), {"painter": painter}):
        requests = [await requestor.generate("a stable", width=64, height=64) for _ in range(2)]
        await painter.next_order()
        await painter.next_order()
        (worker,) = await requestor.workers()
        painter.gate.set()
        for request in requests:
            await request.wait(timeout_s=PATIENCE_S)

    assert worker.threads == 2


async def test_one_worker_serves_several_kinds_under_names_of_its_own(horde: RunningHorde) -> None:
    backends: dict[str, AnyBackend] = {"painter": Gated(is_open=True), "writer": Writer()}
    async with AsyncHorde(horde.url) as requestor, team_on_shift(worker_settings(horde.url, name="rig"), backends):
        image = await requestor.generate("a stable", width=64, height=64)
        await image.wait(timeout_s=PATIENCE_S)
        await in_thread(horde, text_of)
        names = {(worker.name, worker.type) for worker in await requestor.workers()}

    assert names == {("rig", "image"), ("rig (writer)", "text")}
