"""Where a worker knows from what the horde calls the models of its owner's programs."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from horde.worker.known_names import known_names
from horde.worker.models.reference import BadReference
from tests.api.actors import pop
from tests.end_to_end.private_horde import HORDE, environment_for
from tests.plugins.hordes import RunningHorde
from tests.worker.backends.programs.recording import read
from tests.worker.backends.programs.replay import replayed
from tests.worker.backends.programs.scenes import PLAYS, PROBE
from tests.worker.relay import relayed
from tests.worker.shifts import worker_settings

REFERENCE = {
    "Deliberate": {"config": {"files": [{"path": "deliberate_v2.safetensors", "sha256sum": "0" * 64}]}},
    "Dreamshaper": {"config": {"download": [{"file_name": "dreamshaper_8.safetensors", "file_url": "https://x/y"}]}},
    "Anything": {"files": [{"name": "shared.ckpt"}]},
    "Everything": {"files": [{"name": "shared.ckpt"}]},
}


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """A model reference, with one file that two models share."""
    file = tmp_path / "reference.json"
    file.write_text(json.dumps(REFERENCE))
    return file


async def test_horde_tells_the_names_that_its_workers_offer(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client, models=["Juggernaut XL", "AlbedoBase XL (SDXL)"])

    known = await known_names(worker_settings(horde.url))

    assert known == {"juggernautxl": "Juggernaut XL", "albedobasexlsdxl": "AlbedoBase XL (SDXL)"}


async def test_name_that_stands_for_several_models_tells_none(horde: RunningHorde, client: httpx.Client) -> None:
    pop(client, models=["Model 1.1", "Model 11", "other"])

    assert await known_names(worker_settings(horde.url)) == {"other": "other"}


async def test_reference_knows_models_by_their_files_also_without_a_horde(reference: Path) -> None:
    async with relayed(None) as nobody:
        known = await known_names(worker_settings(nobody.url, model_reference=reference))

    assert known == {
        "deliberatev2": "Deliberate", "dreamshaper8": "Dreamshaper",
        "deliberate": "Deliberate", "dreamshaper": "Dreamshaper",
    }  # fmt: skip


async def test_owner_goes_before_the_reference_and_that_before_the_horde(
    horde: RunningHorde, client: httpx.Client, reference: Path
) -> None:
    pop(client, models=["DELIBERATE", "dream shaper", "Third"])
    settings = worker_settings(horde.url, model_reference=reference, models=("DreamShaper",))

    known = await known_names(settings)

    assert (known["deliberate"], known["dreamshaper"], known["third"]) == ("Deliberate", "DreamShaper", "Third")


async def test_reference_that_cannot_be_read_is_refused(tmp_path: Path, horde: RunningHorde) -> None:
    with pytest.raises(BadReference, match="cannot be read"):
        await known_names(worker_settings(horde.url, model_reference=tmp_path / "none.json"))


async def offered(horde_url: str, program: str, backend: str, folder: Path) -> object:
    """The models that a worker process would offer a horde, of a program; its stdout holds nothing but the offer."""
    async with replayed(read(PLAYS[program].file(PROBE))) as replay:
        words = ["worker", "--dry-run", "--horde", horde_url, "--backend", f"{backend}={replay.url}"]
        process = await asyncio.create_subprocess_exec(
            *HORDE, *words, cwd=folder, env=environment_for(str(folder)), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await process.communicate()
    return json.loads(said)[backend]["offer"]["models"]


@pytest.mark.parametrize(
    ("program", "backend", "name"),
    [
        ("comfyui", "comfyui", "Tiny SD-15"),
        ("forge", "a1111", "Tiny SD-15"),
        ("llamacpp", "openai", "LlamaCpp/Tiny Gibberish"),
        ("koboldcpp", "koboldai", "KoboldCpp/TINY"),
    ],
)
async def test_worker_offers_the_models_of_a_program_by_the_names_of_its_horde(
    horde: RunningHorde, client: httpx.Client, tmp_path: Path, program: str, backend: str, name: str
) -> None:
    pop(client, models=[name])

    assert await offered(horde.url, program, backend, tmp_path) == [name]


async def test_models_keep_their_own_names_while_the_horde_is_away(tmp_path: Path) -> None:
    async with relayed(None) as nobody:
        assert await offered(nobody.url, "comfyui", "comfyui", tmp_path) == ["tiny_sd15"]
