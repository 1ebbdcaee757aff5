"""What ComfyUI calls the samplers of the horde, and which of its schedules go with them."""

from __future__ import annotations

from typing import Final

from horde.kinds.image_params import ImageParams, Sampler

SAMPLERS: Final[dict[Sampler, str]] = {
    "k_lms": "lms",
    "k_heun": "heun",
    "k_euler": "euler",
    "k_euler_a": "euler_ancestral",
    "k_dpm_2": "dpm_2",
    "k_dpm_2_a": "dpm_2_ancestral",
    "k_dpm_fast": "dpm_fast",
    "k_dpm_adaptive": "dpm_adaptive",
    "k_dpmpp_2s_a": "dpmpp_2s_ancestral",
    "k_dpmpp_2m": "dpmpp_2m",
    "dpmsolver": "uni_pc",  # its nearest kin there; the old DPM-Solver itself is not in ComfyUI
    "k_dpmpp_sde": "dpmpp_sde",
    "DDIM": "ddim",
    "lcm": "lcm",
}
OWN_SCHEDULES: Final[dict[Sampler, str]] = {"DDIM": "ddim_uniform", "lcm": "sgm_uniform"}
"""Samplers that were made for a schedule of their own, whatever `karras` says."""


def sampler_of(details: ImageParams) -> str:
    """ComfyUI's `sampler_name`."""
    return SAMPLERS[details.sampler_name]


def schedule_of(details: ImageParams) -> str:
    """ComfyUI's `scheduler`."""
    return OWN_SCHEDULES.get(details.sampler_name, "karras" if details.karras else "normal")
