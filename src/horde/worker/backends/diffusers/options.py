"""What the owner of a worker can choose for the diffusers back end."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from horde.kinds.image_params import ControlType
from horde.worker.backends.alchemy.options import Tools
from horde.worker.backends.places import Place

FamilyName: TypeAlias = Literal["stable_diffusion_1", "stable_diffusion_xl", "flux_1"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be chosen."""

    models: str | dict[str, Place] | None = None
    """A folder whose entries are models, named after themselves: folders as diffusers saves them, `.safetensors` and
    `.ckpt` files; or each model's name, as requestors give it, with its place. None: what is on the shelf."""
    shelf: str | None = None
    """Where `horde worker models get` lays models; the worker says it. Only those that can be used here are offered."""
    bases: dict[FamilyName, Place] = {}
    """What completes models in single files, by family: a folder as diffusers saves it, whose configuration, tokenizers
    and, where the file has none, text encoders and VAE are taken. Only Flux needs one."""
    loras: str | dict[str, Place] = {}
    """Likewise; without any, no LoRA is offered."""
    embeddings: str | dict[str, Place] = {}
    """Textual inversions, likewise."""
    controlnets: dict[ControlType, Place] = {}
    """ControlNets for models of the SD 1.5 family, by what they are steered by."""
    sdxl_controlnets: dict[ControlType, Place] = {}
    safety_checker: Place | None = None
    """What looks at pictures for those who do not want to see everything; without it, their requests are refused."""
    depth_estimator: Place | None = None
    """What makes depth maps of source pictures."""
    post_processing: Tools = Tools()
    """What upscales finished pictures, mends their faces and strips their background, as in the alchemy back end."""
    devices: Annotated[list[str], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["auto"])
    """One child process for each, e.g. `["cuda:0", "cuda:1"]`; `auto` is the first card, or the processor."""
    precision: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """Of the numbers; `auto` is what is usual for the family on a card, and float32 on the processor."""
    memory: Literal["whole", "offload", "sequential"] = "whole"
    """`offload` keeps only the part of a model on the card that works: slower, but SDXL and Flux fit in half.
    `sequential` keeps only the layer there that works: the least memory, and many times slower."""
    attention_slicing: bool = False
    """Whether attention is calculated in two halves: a little slower, for cards without better ways to save there."""
    vae_tiling: bool = False
    """Whether large pictures are decoded in overlapping tiles: less memory at the end, where most runs out."""
    models_in_memory: Annotated[int, Meta(ge=1, le=100)] = 1
    """How many models stay loaded; the one that was not used for longest makes room."""
    pixels_max: Annotated[int, Meta(ge=64 * 64, le=3072 * 3072)] = 1024 * 1024
    """Largest picture that is offered. Running out of memory lowers the offer by itself."""
    images_max: Annotated[int, Meta(ge=1, le=20)] = 4
    hub: bool = False
    """Whether what is not on this machine is fetched from the hub, once: places that are names there.
    Requestors can name nothing there."""
