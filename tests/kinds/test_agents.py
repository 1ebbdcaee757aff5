"""What the known worker programs can do; the table is taken anew from contract/lifecycle.md, section 6."""

import pytest

from horde.kinds import image
from horde.kinds.agents import OUR_AGENT, abilities, capabilities, pay_share, reads_links, sampler_needed

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


@pytest.mark.parametrize(
    ("agent", "of_https", "of_http"),
    [
        ("AI Horde Worker reGen:1:x", True, True),
        ("AI Horde Worker:13:x", False, False),
        # It takes what does not begin with https for base64 (contract/clients.md).
        ("AI Horde Worker:14:x", True, False),
        ("SD-WebUI Stable Horde Worker Bridge:3:x", True, True),
        ("HordeAutoWebBridge:2:x", False, False),
        (f"{OUR_AGENT}:0.1.0:x", True, True),
        ("Somebody's script:1:x", False, False),
    ],
)
def test_program_reads_links_as_far_as_it_knows_them(agent: str, of_https: bool, of_http: bool) -> None:
    assert (reads_links(agent, is_https=True), reads_links(agent, is_https=False)) == (of_https, of_http)


def test_some_program_can_do_whatever_a_request_can_need() -> None:
    processors = set(image.PostProcessor.__args__)  # type: ignore[attr-defined]  # what Literal[...] lists

    assert processors <= capabilities("AI Horde Worker reGen:13:x")


# ------------------------------------------------------------------------------------------- samplers
CLASSIC = "k_lms k_heun k_euler k_euler_a k_dpm_2 k_dpm_2_a k_dpm_fast k_dpm_adaptive k_dpmpp_2s_a k_dpmpp_2m"
OLD_11 = f"{CLASSIC} dpmsolver"
OLD_12 = f"{CLASSIC} dpmsolver k_dpmpp_sde"
REGEN_2 = f"{OLD_12} DDIM"
AUTO = "k_lms k_dpm_2 k_dpm_2_a k_dpmpp_2s_a k_dpmpp_2m dpmsolver"
AUTO_PLAIN = "k_heun k_euler k_euler_a k_dpm_fast k_dpm_adaptive"
SAMPLERS = image.Sampler.__args__  # type: ignore[attr-defined]  # what Literal[...] lists


@pytest.mark.parametrize(
    ("agent", "with_karras", "only_without"),
    [
        ("AI Horde Worker reGen:1:x", "", ""),
        ("AI Horde Worker reGen:2:x", REGEN_2, ""),
        ("AI Horde Worker reGen:3:x", f"{REGEN_2} lcm", ""),
        ("AI Horde Worker:10:x", "", ""),
        ("AI Horde Worker:11:x", OLD_11, ""),
        ("AI Horde Worker:12:x", OLD_12, ""),
        ("AI Horde Worker:16:x", OLD_12, ""),
        ("AI Horde Worker:17:x", OLD_12, "DDIM"),
        ("SD-WebUI Stable Horde Worker Bridge:0:x", "", ""),
        ("SD-WebUI Stable Horde Worker Bridge:1:x", f"{CLASSIC} k_dpmpp_sde", "DDIM"),
        ("HordeAutoWebBridge:1:x", AUTO, AUTO_PLAIN),
        (f"{OUR_AGENT}:0.1.0:x", f"{REGEN_2} lcm", ""),
        # Unknown ones sample as AI Horde Worker 23 does.
        ("Somebody's script:1:x", OLD_12, "DDIM"),
        ("unknown:0:unknown", OLD_12, "DDIM"),
        ("AI Horde Worker reGen:new:x", OLD_12, "DDIM"),
        ("", OLD_12, "DDIM"),
    ],
)
def test_program_runs_the_samplers_of_its_version(agent: str, with_karras: str, only_without: str) -> None:
    can = abilities(agent)

    assert can >= capabilities(agent)
    assert {name for name in SAMPLERS if f"{name} karras" in can} == set(with_karras.split())
    assert {name for name in SAMPLERS if name in can} == {*with_karras.split(), *only_without.split()}


AGENTS = [f"{name}:{version}:x" for name in
          ("AI Horde Worker reGen", "AI Horde Worker", "SD-WebUI Stable Horde Worker Bridge", "HordeAutoWebBridge",
           OUR_AGENT, "any") for version in range(25)]  # fmt: skip


@pytest.mark.parametrize("karras", [True, False])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samplers_that_stand_for_each_other_are_run_by_the_same_programs(sampler: str, karras: bool) -> None:
    itself, needed = f"{sampler} karras" if karras else sampler, sampler_needed(sampler, karras=karras)

    assert {agent for agent in AGENTS if itself in abilities(agent)} == {
        agent for agent in AGENTS if needed in abilities(agent)
    }


def test_samplers_part_requests_no_further_than_programs_do() -> None:
    needed = {sampler_needed(sampler, karras=karras) for sampler in SAMPLERS for karras in (True, False)}

    assert needed == {
        "k_euler_a karras", "k_euler_a", "k_dpmpp_sde karras", "dpmsolver karras", "DDIM karras", "DDIM", "lcm karras",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("agent", "share"),
    [
        ("AI Horde Worker reGen:13.0.0:x", 1.0),
        ("AI Horde Worker reGen:12.9.0:x", 0.9),
        ("AI Horde Worker:24:x", 1.0),
        ("AI Horde Worker:23.9:x", 0.9),
        ("Stable Horde Worker:0.1.0:x", 1.0),
        ("SD-WebUI Stable Horde Worker Bridge:4:x", 0.75),
        ("AI Horde Worker reGen:many:x", 0.75),
        ("", 0.75),
    ],
)
def test_programs_that_leave_work_to_others_are_paid_less(agent: str, share: float) -> None:
    assert pay_share(agent) == share
