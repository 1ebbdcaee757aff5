"""A LoRA and a textual inversion that the worker fetched, and orders that show what a program makes of them.

Both are for models in the shape of SD 1.5 and have weights so large that every picture shows them.
"""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from horde.worker.backends.base import AddOn, ImageOrder
from horde.worker.models.add_ons import AddOns
from horde.worker.models.civitai import Civitai, Wanted
from tests.worker.backends.programs.scenes import image_order
from tests.worker.models.lora_site import Item, LoraSite, serving

RANK = 4
BLOCKS: Final = ("down_blocks_0", "down_blocks_1")
PARTS: Final = {"attn1_to_v": (320, 320), "attn2_to_v": (320, 768), "ff_net_2": (320, 1280)}
"""Of each block, with what goes out and what goes in."""
WIDTH = 768
"""Of CLIP's words."""

Shape = tuple[int, ...]
Tensors = dict[str, tuple[Shape, list[float]]]


def safetensors(tensors: Mapping[str, tuple[Shape, list[float]]]) -> bytes:
    """A file of half floats."""
    header: dict[str, object] = {}
    body = b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}e", *values)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [len(body), len(body) + len(packed)]}
        body += packed
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + body


def lora() -> bytes:
    numbers = random.Random(1)
    tensors: Tensors = {}
    for block in BLOCKS:
        for part, (outputs, inputs) in PARTS.items():
            name = f"lora_unet_{block}_attentions_0_transformer_blocks_0_{part}"
            down = [numbers.gauss(0, 3 / math.sqrt(inputs)) for _ in range(RANK * inputs)]
            up = [numbers.gauss(0, 1.5) for _ in range(RANK * outputs)]
            tensors[f"{name}.lora_down.weight"] = ((RANK, inputs), down)
            tensors[f"{name}.lora_up.weight"] = ((outputs, RANK), up)
            tensors[f"{name}.alpha"] = ((), [RANK])
    return safetensors(tensors)


def embedding() -> bytes:
    numbers = random.Random(2)
    return safetensors({"emb_params": ((2, WIDTH), [numbers.gauss(0, 1) for _ in range(2 * WIDTH)])})


INK: Final = Item(
    model=7, version=70, name="Ink", content=lora(), triggers=["inked", "pen"], file_name="of the site.safetensors"
)
WORD: Final = Item(model=8, version=80, name="Word", content=embedding(), type="TextualInversion")


@asynccontextmanager
async def fetched(folder: Path) -> AsyncIterator[tuple[AddOn, ...]]:
    """Both, as the worker has them once a request named them."""
    with serving(LoraSite(INK, WORD)) as site:
        add_ons = AddOns(folder, Civitai(site.url), bytes_max=1_000_000, allows_nsfw=lambda: True)
        try:
            yield await add_ons.get([Wanted("lora", "70", is_version=True), Wanted("ti", "Word")])
        finally:
            await add_ons.close()


def orders(add_ons: tuple[AddOn, ...]) -> dict[str, ImageOrder]:
    """Alike but for the add-ons."""
    plain = image_order("tiny_sd15", sampler_name="k_euler", cfg_scale=7)
    lora = {"name": "70", "is_version": True, "model": 0.75, "clip": 0.5, "inject_trigger": "any"}
    inversion = {"name": "Word", "inject_ti": "prompt", "strength": 1.25}
    return {
        "plain": plain,
        "lora": replace(plain, payload={**plain.payload, "loras": [lora]}, add_ons=add_ons[:1]),
        "inversion": replace(plain, payload={**plain.payload, "tis": [inversion]}, add_ons=add_ons[1:]),
    }
