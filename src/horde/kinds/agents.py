"""What the known worker programs can do, by version. Source: contract/lifecycle.md, section 6.

An agent is `name:version:link`. A capability holds from the version listed on; a program that is not listed has none.
"""

from __future__ import annotations

import re
from functools import lru_cache

OUR_AGENT = "Stable Horde Worker"

REGEN = {
    1: "img2img inpainting karras post-processing GFPGAN RealESRGAN_x4plus r2 CodeFormers clip_skip r2_source"
    " controlnet strip_background return_control_map RealESRGAN_x4plus_anime_6B NMKD_Siax 4x_AnimeSharp"
    " image_is_control RealESRGAN_x2plus hires_fix tiling",
    2: "textual_inversion lora",
    3: "lora_versions",
    5: "extra_source_images",
    6: "stable_cascade_2pass",
    7: "qr_code extra_texts workflow",
    8: "layer_diffuse",
    9: "flux",
    13: "4xNomos8kSC 4xLSDIRplus 4xNomosWebPhoto_RealPLKSR 4xNomos2_realplksr_dysample 4xNomos2_hq_dat2"
    " 2xModernSpanimationV1 GFPGANv1.3 RestoreFormer",
}

CAPABILITIES: dict[str, dict[int, str]] = {
    "AI Horde Worker reGen": REGEN,
    # Our own worker says by its flags what its back end can do, so its program is held to be able to do everything.
    OUR_AGENT: {0: " ".join(REGEN.values())},
    "AI Horde Worker": {
        3: "img2img",
        4: "inpainting",
        6: "karras",
        7: "post-processing GFPGAN RealESRGAN_x4plus",
        8: "r2",
        9: "CodeFormers",
        13: "hires_fix clip_skip",
        14: "r2_source",
        15: "controlnet",
        18: "strip_background return_control_map RealESRGAN_x4plus_anime_6B",
        19: "NMKD_Siax 4x_AnimeSharp",
        21: "RealESRGAN_x2plus",
        22: "lora",
        23: "image_is_control",
        24: "textual_inversion",
    },
    "SD-WebUI Stable Horde Worker Bridge": {
        1: "inpainting karras r2 CodeFormers",
        2: "tiling",
        3: "r2_source",
        4: "clip_skip",
    },
    "HordeAutoWebBridge": {1: "painting img2img karras", 2: "tiling"},
}

CLASSIC = "k_lms k_heun k_euler k_euler_a k_dpm_2 k_dpm_2_a k_dpm_fast k_dpm_adaptive k_dpmpp_2s_a k_dpmpp_2m"
REGEN_SAMPLERS = {2: f"{CLASSIC} k_dpmpp_sde dpmsolver DDIM", 3: "lcm"}
SAMPLERS: dict[str, dict[int, str]] = {
    "AI Horde Worker reGen": REGEN_SAMPLERS,
    OUR_AGENT: {0: " ".join(REGEN_SAMPLERS.values())},
    "AI Horde Worker": {11: f"{CLASSIC} dpmsolver", 12: "k_dpmpp_sde"},
    "SD-WebUI Stable Horde Worker Bridge": {1: f"{CLASSIC} k_dpmpp_sde"},
    "HordeAutoWebBridge": {0: "k_lms k_dpm_2 k_dpm_2_a k_dpmpp_2s_a k_dpmpp_2m dpmsolver"},
}
SAMPLERS_WITHOUT_KARRAS: dict[str, dict[int, str]] = {
    "AI Horde Worker": {17: "DDIM"},
    "SD-WebUI Stable Horde Worker Bridge": {1: "DDIM"},
    "HordeAutoWebBridge": {0: "k_heun k_euler k_euler_a k_dpm_fast k_dpm_adaptive"},
}
"""Beside those that the program runs with karras as well as without."""
UNKNOWN_SAMPLES_AS = "AI Horde Worker", 23
"""Every program runs the common samplers, unless it is known that it does not."""

READS_HTTPS_ONLY = "AI Horde Worker"
NEWEST = {"AI Horde Worker reGen": max(REGEN), "AI Horde Worker": 24}
"""The version from which on a program does all that is asked for."""
SHARE_OF_OLD, SHARE_OF_OTHERS = 0.9, 0.75
"""What other versions and programs are paid, for the jobs that they leave to the rest (contract/kudos.md, 2.2)."""

VERSION = re.compile(r"^(\d{1,9})(\.\d{1,9}){0,2}$", re.ASCII)
AGENTS_REMEMBERED = 1024


@lru_cache(AGENTS_REMEMBERED)
def capabilities(agent: str) -> frozenset[str]:
    """What the worker program that calls itself `agent` can do; nothing for unknown or malformed names."""
    name, major = _name_and_version(agent)
    return frozenset(_words(CAPABILITIES.get(name, {}), major))


def reads_links(agent: str, *, is_https: bool) -> bool:
    """Whether a worker program fetches source pictures by links; others get them in base64.

    One takes what does not begin with https for base64 (contract/clients.md, "Common traps").
    """
    name, _ = _name_and_version(agent)
    return "r2_source" in capabilities(agent) and (is_https or name != READS_HTTPS_ONLY)


def pay_share(agent: str) -> float:
    """The part of a picture's worth that a worker with this program is credited with."""
    name, major = _name_and_version(agent)
    if name == OUR_AGENT:
        return 1.0
    if name not in NEWEST:
        return SHARE_OF_OTHERS
    return 1.0 if major >= NEWEST[name] else SHARE_OF_OLD


@lru_cache(AGENTS_REMEMBERED)
def abilities(agent: str) -> frozenset[str]:
    """The capabilities of the worker program that calls itself `agent`, and the samplers that it runs.

    A sampler is a word (`k_euler`), one with the karras schedule is another (`k_euler karras`).
    """
    name, major = _name_and_version(agent)
    if name not in SAMPLERS:
        name, major = UNKNOWN_SAMPLES_AS
    samplers = _words(SAMPLERS[name], major)
    samplers |= {_sampling(sampler, karras=True) for sampler in samplers}
    return capabilities(agent) | samplers | _words(SAMPLERS_WITHOUT_KARRAS.get(name, {}), major)


def sampler_needed(sampler: str, *, karras: bool) -> str:
    """The ability that a request for this sampler needs.

    Samplers that the very same programs run are one ability, under the name of one of them: requests that any worker
    can serve or not alike have equal needs.
    """
    wanted = _sampling(sampler, karras=karras)
    return SAME_SAMPLERS.get(wanted, wanted)


def _name_and_version(agent: str) -> tuple[str, int]:
    name, _, rest = agent.partition(":")
    version = VERSION.fullmatch(rest.partition(":")[0])
    return ("", 0) if version is None else (name, int(version[1]))


def _words(listed: dict[int, str], major: int) -> set[str]:
    return {word for since, words in listed.items() if since <= major for word in words.split()}


def _sampling(sampler: str, *, karras: bool) -> str:
    return f"{sampler} karras" if karras else sampler


def _same_samplers() -> dict[str, str]:
    first: dict[frozenset[tuple[str, int]], str] = {}
    same = {}
    # The default sampler first: it is what the most people know.
    for sampler in dict.fromkeys(["k_euler_a", *" ".join(REGEN_SAMPLERS.values()).split()]):
        for karras in (True, False):
            tables = [SAMPLERS] if karras else [SAMPLERS, SAMPLERS_WITHOUT_KARRAS]
            runs_it = frozenset(
                (agent, since)
                for table in tables
                for agent, listed in table.items()
                for since, words in listed.items()
                if sampler in words.split()
            )
            wanted = _sampling(sampler, karras=karras)
            same[wanted] = first.setdefault(runs_it, wanted)
    return same


SAME_SAMPLERS = _same_samplers()
