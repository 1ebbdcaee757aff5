"""What the known worker programs can do, by version. Source: contract/lifecycle.md, section 6.

An agent is `name:version:link`. A capability holds from the version listed on; a program that is not listed has none.
"""

from __future__ import annotations

import re

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

VERSION = re.compile(r"^(\d{1,9})(\.\d{1,9}){0,2}$", re.ASCII)


def capabilities(agent: str) -> frozenset[str]:
    """What the worker program that calls itself `agent` can do; nothing for unknown or malformed names."""
    name, _, rest = agent.partition(":")
    version = VERSION.fullmatch(rest.partition(":")[0])
    if version is None:
        return frozenset()
    major = int(version[1])
    listed = CAPABILITIES.get(name, {})
    return frozenset(word for since, words in listed.items() if since <= major for word in words.split())
