"""What the known worker programs can do; the table is taken anew from contract/lifecycle.md, section 6."""

import pytest

from horde.kinds import image
from horde.kinds.agents import OUR_AGENT, capabilities

REGEN_1 = (
    "img2img inpainting karras post-processing GFPGAN RealESRGAN_x4plus r2 CodeFormers clip_skip r2_source controlnet"
    " strip_background return_control_map RealESRGAN_x4plus_anime_6B NMKD_Siax 4x_AnimeSharp image_is_control"
    " RealESRGAN_x2plus hires_fix tiling"
)
REGEN_9 = (
    f"{REGEN_1} textual_inversion lora lora_versions extra_source_images stable_cascade_2pass qr_code extra_texts"
    " workflow layer_diffuse flux"
)
REGEN_13 = (
    f"{REGEN_9} 4xNomos8kSC 4xLSDIRplus 4xNomosWebPhoto_RealPLKSR 4xNomos2_realplksr_dysample 4xNomos2_hq_dat2"
    " 2xModernSpanimationV1 GFPGANv1.3 RestoreFormer"
)
OLD_9 = "img2img inpainting karras post-processing GFPGAN RealESRGAN_x4plus r2 CodeFormers"
OLD_22 = (
    f"{OLD_9} hires_fix clip_skip r2_source controlnet strip_background return_control_map"
    " RealESRGAN_x4plus_anime_6B NMKD_Siax 4x_AnimeSharp RealESRGAN_x2plus lora"
)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("AI Horde Worker reGen:0:x", ""),
        ("AI Horde Worker reGen:1:x", REGEN_1),
        ("AI Horde Worker reGen:2:x", f"{REGEN_1} textual_inversion lora"),
        ("AI Horde Worker reGen:4.9.9:x", f"{REGEN_1} textual_inversion lora lora_versions"),
        ("AI Horde Worker reGen:5:x", f"{REGEN_1} textual_inversion lora lora_versions extra_source_images"),
        ("AI Horde Worker reGen:12.9:x", REGEN_9),
        ("AI Horde Worker reGen:13.0.1:https://github.com/Haidra-Org/horde-worker-reGen", REGEN_13),
        ("AI Horde Worker:2:x", ""),
        ("AI Horde Worker:3:x", "img2img"),
        ("AI Horde Worker:6:x", "img2img inpainting karras"),
        ("AI Horde Worker:9:x", OLD_9),
        ("AI Horde Worker:22:x", OLD_22),
        ("AI Horde Worker:24:x", f"{OLD_22} image_is_control textual_inversion"),
        (
            "SD-WebUI Stable Horde Worker Bridge:4:x",
            "inpainting karras r2 CodeFormers tiling r2_source clip_skip",
        ),
        ("HordeAutoWebBridge:1:x", "painting img2img karras"),
        ("HordeAutoWebBridge:2:x", "painting img2img karras tiling"),
    ],
)
def test_program_can_do_what_its_version_can(agent: str, words: str) -> None:
    assert capabilities(agent) == frozenset(words.split())


@pytest.mark.parametrize(
    "agent",
    [
        "", "unknown:0:unknown", "AI Horde Worker reGen", "AI Horde Worker reGen::x", "AI Horde Worker reGen:new:x",
        "AI Horde Worker reGen:1.2.3.4:x", "AI Horde Worker reGen:-9:x", "ai horde worker regen:9:x", ":9:x",
        "AI Horde Worker reGen:9\n:x",
    ],
)  # fmt: skip
def test_program_that_is_not_known_can_do_nothing(agent: str) -> None:
    assert capabilities(agent) == frozenset()


def test_our_own_worker_can_do_whatever_any_known_version_can() -> None:
    assert capabilities(f"{OUR_AGENT}:0.1.0:x") == frozenset(REGEN_13.split())


def test_some_program_can_do_whatever_a_request_can_need() -> None:
    processors = set(image.PostProcessor.__args__)  # type: ignore[attr-defined]  # what Literal[...] lists

    assert processors <= capabilities("AI Horde Worker reGen:13:x")
