"""Says an order in the words of the web UI's API."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import UNSET

from horde.kinds.image_params import ImageParams, Sampler
from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import BackendFailed, ImageOrder, Sources
from horde.worker.backends.embedding_words import PREFIX, renamed
from horde.worker.backends.image_details import (
    DENOISING,
    HIRES_DENOISING,
    details_of,
    first_pass,
    left_out,
    mask_png,
    source_png,
)
from horde.worker.backends.lending import Lent
from horde.worker.backends.triggers import triggers

SAMPLERS: Final[dict[Sampler, str]] = {
    "k_lms": "LMS",
    "k_heun": "Heun",
    "k_euler": "Euler",
    "k_euler_a": "Euler a",
    "k_dpm_2": "DPM2",
    "k_dpm_2_a": "DPM2 a",
    "k_dpm_fast": "DPM fast",
    "k_dpm_adaptive": "DPM adaptive",
    "k_dpmpp_2s_a": "DPM++ 2S a",
    "k_dpmpp_2m": "DPM++ 2M",
    "dpmsolver": "UniPC",  # its nearest kin there; the old DPM-Solver itself is not in the web UI
    "k_dpmpp_sde": "DPM++ SDE",
    "DDIM": "DDIM",
    "lcm": "LCM",
}
SUBSTITUTES: Final = ("Euler a", "Euler")
"""For a sampler that this web UI lacks."""
KEEP_PICTURE = 1
"""`inpainting_fill`: paint over what is there, rather than over its average colour."""
PAINTINGS = ("inpainting", "outpainting")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a web UI has of its owner's."""

    samplers: frozenset[str] = frozenset()
    schedules: frozenset[str] = frozenset()
    """Empty before version 1.9, which had them in the names of samplers."""
    loras: Mapping[str, str] = field(default_factory=dict)
    """Its names by what they are in lower case; so too the next."""
    embeddings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the API, and what the requestor should know of its pictures."""

    path: str
    body: Mapping[str, object]
    metadata: tuple[GenMetadata, ...]


def call_of(order: ImageOrder, seeds: Sequence[int], checkpoint: str, stock: Stock, lent: Lent) -> Call:
    """The call for pictures whose seeds follow each other. Takes a while when a picture is to be begun with.

    Raises BackendFailed for what cannot be done.
    """
    details = details_of(order)
    if details.control_type is not UNSET:
        raise BackendFailed(f"the web UI has no ControlNet without an extension, and {details.control_type} is asked")
    metadata: list[GenMetadata] = []
    positive, negative = _prompts(order, details, stock, lent, metadata)
    body: dict[str, object] = {
        "prompt": positive,
        "negative_prompt": negative,
        "seed": seeds[0],
        "batch_size": len(seeds),
        "width": order.width,
        "height": order.height,
        "steps": order.steps,
        "cfg_scale": details.cfg_scale,
        "tiling": details.tiling,
        **_sampling(details, stock),
        "override_settings": _overrides(details, checkpoint),
        # The owner's page shows and does what it did before.
        "override_settings_restore_afterwards": True,
        "save_images": False,
    }
    metadata += _remarks(details)
    if order.sources is None:
        return Call(path="/sdapi/v1/txt2img", body=body | _hires(order, details, checkpoint), metadata=tuple(metadata))
    return Call(path="/sdapi/v1/img2img", body=body | _begun(order, order.sources, details), metadata=tuple(metadata))


def _overrides(details: ImageParams, checkpoint: str) -> dict[str, object]:
    skip = 1 if details.clip_skip is UNSET else details.clip_skip
    return {"sd_model_checkpoint": checkpoint, "CLIP_stop_at_last_layers": skip}


def _sampling(details: ImageParams, stock: Stock) -> dict[str, object]:
    wanted = SAMPLERS[details.sampler_name]
    name = next((name for name in (wanted, *SUBSTITUTES) if name in stock.samplers), wanted)
    if stock.schedules:
        return {"sampler_name": name, "scheduler": "Karras" if details.karras else "Automatic"}
    with_karras = f"{name} Karras"
    return {"sampler_name": with_karras if details.karras and with_karras in stock.samplers else name}


def _hires(order: ImageOrder, details: ImageParams, checkpoint: str) -> dict[str, object]:
    width, height = first_pass(order, checkpoint)
    if not details.hires_fix or (width, height) == (order.width, order.height):
        return {}
    asked = details.hires_fix_denoising_strength
    return {
        "enable_hr": True,
        "width": width,
        "height": height,
        "hr_resize_x": order.width,
        "hr_resize_y": order.height,
        "hr_upscaler": "Latent",
        "denoising_strength": HIRES_DENOISING if asked is UNSET else asked,
    }


def _begun(order: ImageOrder, sources: Sources, details: ImageParams) -> dict[str, object]:
    """Begin with the picture that came along; paint only where its mask is white, if it has one."""
    asked = details.denoising_strength
    picture = source_png(sources, order.width, order.height)
    mask = mask_png(sources, order.width, order.height) if sources.processing in PAINTINGS else None
    begun: dict[str, object] = {"init_images": [_base64(picture)]}
    if mask is None:
        return begun | {"denoising_strength": DENOISING if asked is UNSET else asked}
    return begun | {
        "mask": _base64(mask),
        "inpainting_fill": KEEP_PICTURE,
        "inpaint_full_res": False,
        "denoising_strength": 1.0 if asked is UNSET else asked,
    }


def _prompts(
    order: ImageOrder, details: ImageParams, stock: Stock, lent: Lent, metadata: list[GenMetadata]
) -> tuple[str, str]:
    """The prompts with the web UI's words for LoRAs and textual inversions in them."""
    loras = details.loras or ()
    positive = ", ".join(filter(None, [order.prompt, *triggers(loras, order.add_ons)]))
    negative = order.negative_prompt
    networks = ""
    for lora in loras:
        name = stock.loras.get(lora.name.lower()) or lent.loras.get((lora.name, lora.is_version))
        if name is None:
            metadata.append(GenMetadata(type="lora", value="download_failed", ref=lora.name))
        else:
            networks += f" <lora:{name}:te={lora.clip}:unet={lora.model}>"
    for inversion in details.tis or ():
        name = stock.embeddings.get(inversion.name.lower()) or lent.embeddings.get(inversion.name)
        if name is None:
            metadata.append(GenMetadata(type="ti", value="download_failed", ref=inversion.name))
        elif inversion.inject_ti == "prompt":
            positive += f", ({name}:{inversion.strength})"
        elif inversion.inject_ti == "negprompt":
            negative += f", ({name}:{inversion.strength})"
    # The web UI knows its own by their bare names, wherever they stand in a prompt.
    words = {
        f"{PREFIX}{name.lower()}": word
        for name, word in lent.embeddings.items()
        if name.lower() not in stock.embeddings
    }
    return renamed(positive, words) + networks, renamed(negative, words)


def _remarks(details: ImageParams) -> list[GenMetadata]:
    """What the web UI does not do without extensions, so that pictures are made without it."""
    asked = {
        "transparency": details.transparent,
        "the workflow": details.workflow is not UNSET,
        "post-processing": bool(details.post_processing),
    }
    return [left_out(what) for what, is_asked in asked.items() if is_asked]


def _base64(picture: bytes) -> str:
    return base64.b64encode(picture).decode()
