"""What a ComfyUI has: its models, LoRAs and so on, and which nodes it knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from horde.kinds.image_params import ControlType
from horde.worker.backends.base import AddOnKind, BackendFailed
from horde.worker.backends.lending import Told
from horde.worker.backends.lent_folder import is_ours
from horde.worker.backends.model_names import bare_name
from horde.worker.backends.program import Program

CONTROLS: Final[dict[ControlType, tuple[str, str]]] = {
    "canny": ("canny", "Canny"),
    "hed": ("hed", "HEDPreprocessor"),
    "depth": ("depth", "MiDaS-DepthMapPreprocessor"),
    "normal": ("normal", "BAE-NormalMapPreprocessor"),
    "openpose": ("openpose", "OpenposePreprocessor"),
    "seg": ("seg", "SemSegPreprocessor"),
    "scribble": ("scribble", "ScribblePreprocessor"),
    "fakescribbles": ("scribble", "FakeScribblePreprocessor"),
    "hough": ("mlsd", "M-LSDPreprocessor"),
}
"""A word in the file name of the ControlNet for each type, and the node that draws its map out of a picture. Only
Canny is ComfyUI's own; the others come with the nodes of comfyui_controlnet_aux."""


class NodeKind(msgspec.Struct):
    """What ComfyUI tells of a class of nodes; of the inputs, that the first word may be a list to choose from."""

    input: dict[str, dict[str, object]] = {}


class ModelFolders(msgspec.Struct):
    """Where models of one sort lie."""

    name: str
    folders: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What there is of its owner's; names are those of the files, as ComfyUI wants them."""

    checkpoints: tuple[str, ...]
    loras: Mapping[str, str]
    """By bare name, lower case."""
    embeddings: frozenset[str]
    """Bare names, lower case."""
    controlnets: Mapping[ControlType, str]
    preprocessors: Mapping[ControlType, str]

    @property
    def controls_all(self) -> bool:
        """Whether every control type can be done: a worker offers all of them or none."""
        return self.controlnets.keys() == self.preprocessors.keys() == CONTROLS.keys()


async def stock_of(comfy: Program) -> Stock:
    """Ask a ComfyUI what it has. Raises BackendFailed."""
    checkpoints = await _choices(comfy, "CheckpointLoaderSimple", "ckpt_name")
    loras = [lora for lora in await names_of(comfy, "lora") if not is_ours(bare_name(lora))]
    controlnets = await _choices(comfy, "ControlNetLoader", "control_net_name")
    embeddings = [name for name in await names_of(comfy, "ti") if not is_ours(name)]
    preprocessors = {}
    for control, (_, kind) in CONTROLS.items():
        if await _kind(comfy, kind) is not None:
            preprocessors[control] = kind
    return Stock(
        checkpoints=tuple(checkpoints),
        loras={bare_name(lora).lower(): lora for lora in loras},
        embeddings=frozenset(bare_name(name).lower() for name in embeddings),
        controlnets={control: file for control, (word, _) in CONTROLS.items() if (file := _with(word, controlnets))},
        preprocessors=preprocessors,
    )


async def names_of(comfy: Program, kind: AddOnKind) -> list[str]:
    """What there is of a kind now, by ComfyUI's names; it sees by itself what changed. Raises BackendFailed."""
    if kind == "ti":
        return await comfy.get("/embeddings", list[str])
    return await _choices(comfy, "LoraLoader", "lora_name")


async def folders_of(comfy: Program) -> Told:
    """Where LoRAs and textual inversions lie; nothing where an old ComfyUI does not tell."""
    try:
        told = {one.name: one.folders for one in await comfy.get("/experiment/models", list[ModelFolders])}
    except BackendFailed:
        return Told()
    return Told(folders={"lora": told.get("loras", []), "ti": told.get("embeddings", [])})


async def _kind(comfy: Program, name: str) -> NodeKind | None:
    return (await comfy.get(f"/object_info/{name}", dict[str, NodeKind])).get(name)


async def _choices(comfy: Program, kind_name: str, input_name: str) -> list[str]:
    kind = await _kind(comfy, kind_name)
    described = kind.input.get("required", {}).get(input_name) if kind else None
    if not isinstance(described, list) or not described:
        return []
    # An older node names the choices first, a newer one the type, and the choices among the options.
    choices = described[0]
    if choices == "COMBO" and len(described) > 1 and isinstance(described[1], dict):
        choices = described[1].get("options", [])
    return [choice for choice in choices if isinstance(choice, str)] if isinstance(choices, list) else []


def _with(word: str, files: list[str]) -> str | None:
    return next((file for file in files if word in bare_name(file).lower()), None)
