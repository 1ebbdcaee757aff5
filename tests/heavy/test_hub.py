"""Models of the Hugging Face hub: fetched once, by its own client, if the owner wants it so; else it is not asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from horde.worker.backends.base import BackendFailed, Picture, Progress
from horde.worker.backends.diffusers import diffusers
from tests.heavy import tiny_models as tiny
from tests.heavy.conftest import DEVICE, Make, order_of
from tests.heavy.small_hub import SmallHub, serving
from tests.heavy.test_in_children import started

NAME = "somebody/tiny-sd"
NETWORK = "diffusion_pytorch_model.safetensors"


def silent(_progress: Progress) -> None:
    """For orders whose progress nobody looks at."""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallHub]:
    """A hub with one model, and nothing of it fetched yet. Its client reads where it is when a child starts."""
    made = SmallHub(tmp_path / "hub")
    tiny.save_sd(made.folder / NAME)
    with serving(made):
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        yield made


async def drawn(**options: object) -> Picture:
    """A picture by a worker's child that is started for it."""
    models = {"from the hub": NAME}
    async with started(diffusers(models=models, devices=[DEVICE], precision="float32", **options)) as children:
        (picture,) = await children.generate(order_of(4, model="from the hub"), silent)
        return picture


async def test_model_is_fetched_once_and_then_works_without_the_hub(
    hub: SmallHub, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = await drawn(hub=True)

    assert fetched.picture == make(4)[0].picture
    got = [call for call in hub.calls if call.startswith(f"GET /{NAME}/resolve/")]
    assert len(got) == len(set(got))
    # Nobody is at this port.
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert (await drawn(hub=True)).picture == fetched.picture


async def test_line_that_breaks_costs_only_what_it_was_about_to_bring(hub: SmallHub, make: Make) -> None:
    hub.cut = {NETWORK, "model.safetensors"}

    assert (await drawn(hub=True)).picture == make(4)[0].picture
    assert not hub.cut


async def test_hub_is_not_asked_unless_the_owner_wants_it(hub: SmallHub) -> None:
    with pytest.raises(BackendFailed, match="there is no model at 'somebody/tiny-sd'"):
        await drawn()
    assert hub.calls == []


async def test_what_the_hub_does_not_have_is_told(hub: SmallHub) -> None:
    (hub.folder / NAME).rename(hub.folder / "somebody/else")

    with pytest.raises(BackendFailed, match="there is no model at 'somebody/tiny-sd': 404 Client Error"):
        await drawn(hub=True)
