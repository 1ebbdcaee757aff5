"""What a worker proposes for a machine when its owner says nothing."""

import pytest

from horde.worker.automatic import proposal
from horde.worker.gpu import Gpu
from horde.worker.machine import Machine
from horde.worker.probe import Found

COMFY = Found(backend="comfyui", url="http://127.0.0.1:8188", program="ComfyUI", version="0.3", models=("Deliberate",))
KOBOLD = Found(backend="koboldai", url="http://127.0.0.1:5001", program="KoboldCpp", version=None, models=("k/Tiny",))
EMPTY = Found(backend="openai", url="http://127.0.0.1:11434", program="Ollama", version="1", models=())


def machine(*memory_mib: int) -> Machine:
    cards = tuple(
        Gpu(name="card", memory_mib=size, memory_used_mib=0, busy_percent=0, temperature_c=40) for size in memory_mib
    )
    return Machine(cards=cards, memory_bytes=2**33, memory_free_bytes=2**32, disk_free_bytes=2**40)


def test_all_programs_with_a_model_do_the_work() -> None:
    proposed = proposal([COMFY, EMPTY, KOBOLD], machine())

    assert proposed.values == {"backend": "comfyui=http://127.0.0.1:8188,koboldai=http://127.0.0.1:5001"}
    assert proposed.reasons == [
        "ComfyUI 0.3 at http://127.0.0.1:8188: Deliberate",
        "Ollama 1 at http://127.0.0.1:11434: no model, so it is not used",
        "KoboldCpp at http://127.0.0.1:5001: k/Tiny",
    ]


@pytest.mark.parametrize(
    ("memory_mib", "pixels"),
    [(2048, 512 * 512), (6144, 768 * 768), (8192, 1024 * 1024), (16384, 1536 * 1536), (81920, 2048 * 2048)],
)
def test_bigger_cards_take_bigger_pictures(memory_mib: int, pixels: int) -> None:
    assert proposal([COMFY], machine(1024, memory_mib)).values["max_pixels"] == pixels


@pytest.mark.parametrize("programs", [[], [EMPTY]])
def test_machine_without_a_program_works_by_itself(programs: list[Found]) -> None:
    proposed = proposal(programs, machine(8192))

    assert proposed.values == {"backend": "tiny"}
    assert "no program with a model is found" in proposed.reasons[-1]
