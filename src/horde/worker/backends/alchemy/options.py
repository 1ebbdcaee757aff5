"""What the owner of a worker can choose for the alchemy back end."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from horde.kinds.image_params import PostProcessor
from horde.worker.backends.places import Place


class Tools(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What post-processing is done with. Files only: nothing of it is fetched from anywhere."""

    models: str | dict[PostProcessor, str] = {}
    """A folder of weights, found by the names of their files (`shelf.py`); or each post-processor's file."""
    face_detector: str | None = None
    """YuNet as an ONNX file. Face fixers work on faces, so they need it."""
    background: Literal["u2net", "dis"] = "u2net"
    """The family of the network that finds what stands before a background."""
    tile_px: Annotated[int, Meta(ge=64, le=4096, multiple_of=64)] = 512
    """Side of the squares in which pictures are upscaled: larger is a little faster and needs more memory."""
    models_in_memory: Annotated[int, Meta(ge=1, le=100)] = 2
    """How many networks stay loaded; the one that was not used for longest makes room."""


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be chosen. Forms are offered whose models are named; `palette` and `vectorize` always."""

    post_processing: Tools = Tools()
    caption: Place | None = None
    """A model that writes what it sees, such as BLIP, GIT or a vision encoder with a decoder."""
    describe: Place | None = None
    """Likewise, for longer texts."""
    interrogation: Place | None = None
    """A CLIP model, which says which words of `words` fit."""
    words: dict[str, str] = {}
    """For each list of an interrogation (`tags`, `artists`, ...) a file with a word a line, in place of ours."""
    nsfw: Place | None = None
    """A classifier with a label `nsfw`, or a CLIP model."""
    devices: Annotated[list[str], Meta(min_length=1)] = msgspec.field(default_factory=lambda: ["auto"])
    """One child process for each, e.g. `["cuda:0", "cuda:1"]`; `auto` is the first card, or the processor."""
    tiles_max: Annotated[int, Meta(ge=1, le=255)] = 16
    """Largest picture that is taken, in squares of 512 pixels; upscaled fourfold, 16 become 64 million pixels."""
    hub: bool = False
    """Whether places of models that look at pictures may be names of the hub, fetched from there once."""
