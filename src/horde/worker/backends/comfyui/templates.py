"""The operator's own graphs: files as ComfyUI exports them for its API, with `{{words}}` where an order goes in.

A folder holds `MODEL.json` for each model that is offered by a graph, and `MODEL.img2img.json` and
`MODEL.inpainting.json` where it can do these. An input that is one word and nothing else becomes a number where the
word stands for one; within a longer text it becomes part of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.comfyui.build import Plan
from horde.worker.backends.comfyui.graph import Graph, Node
from horde.worker.backends.comfyui.samplers import sampler_of, schedule_of
from horde.worker.backends.image_details import DENOISING

WORD = re.compile(r"\{\{ *([a-z_]+) *\}\}")
WORDS: Final = frozenset({
    "prompt", "negative_prompt", "width", "height", "seed", "steps", "cfg_scale", "sampler", "scheduler", "denoise",
    "clip_skip", "source_image", "source_mask",
})  # fmt: skip
VARIANTS: Final = ("img2img", "inpainting")
FILE_SIZE_MAX = 1_000_000
"""Graphs of ComfyUI have some ten kilobytes; more is another file that strayed into the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """The graphs of a folder by model, and those of each variant."""

    graphs: Mapping[str, Mapping[str, Node]]
    variants: Mapping[str, Mapping[str, Mapping[str, Node]]]
    """By variant, then by model."""

    def all_can(self, variant: str) -> bool:
        """Whether every model can do this: a worker offers it for all of its models or for none."""
        return self.graphs.keys() == self.variants[variant].keys()

    def graph(self, plan: Plan, seed: int) -> Graph | None:
        """The graph for an order whose model is one of these; None: it is not. Raises BackendFailed."""
        model = plan.order.model
        if model not in self.graphs:
            return None
        template = self.graphs[model]
        if plan.uploaded.picture is not None:
            variant = "img2img" if plan.uploaded.mask is None else "inpainting"
            if model not in self.variants[variant]:
                raise BackendFailed(f"there is no graph {model}.{variant}.json")
            template = self.variants[variant][model]
        words = _words(plan, seed)
        nodes = msgspec.convert(_filled(msgspec.to_builtins(template), words), dict[str, Node])
        return Graph(nodes=nodes)


def read_templates(folder: Path | None) -> Templates:
    """Read a folder once. Raises BackendFailed for a graph that cannot be used; None: there are no templates."""
    graphs: dict[str, Mapping[str, Node]] = {}
    variants: dict[str, dict[str, Mapping[str, Node]]] = {variant: {} for variant in VARIANTS}
    if folder is not None and not folder.is_dir():
        raise BackendFailed(f"there is no folder {folder} with graphs")
    for file in sorted(folder.glob("*.json")) if folder else ():
        model, _, variant = file.name.removesuffix(".json").rpartition(".")
        if variant in VARIANTS:
            variants[variant][model] = _read(file)
        else:
            graphs[file.name.removesuffix(".json")] = _read(file)
    for variant, by_model in variants.items():
        for model in by_model.keys() - graphs.keys():
            raise BackendFailed(f"{model}.{variant}.json needs a {model}.json beside it")
    return Templates(graphs=graphs, variants=variants)


def _read(file: Path) -> Mapping[str, Node]:
    if file.stat().st_size > FILE_SIZE_MAX:
        raise BackendFailed(f"{file} has more than {FILE_SIZE_MAX} bytes, so it is no graph")
    content = file.read_bytes()
    try:
        nodes = msgspec.json.decode(content, type=dict[str, Node])
    except msgspec.DecodeError as error:
        raise BackendFailed(f"{file} is no graph: {error}{API_HINT}") from error
    if not nodes or not all("class_type" in node for node in nodes.values()):
        raise BackendFailed(f"{file} is no graph for the API: a node without class_type{API_HINT}")
    if unknown := sorted({word for word in WORD.findall(content.decode()) if word not in WORDS}):
        raise BackendFailed(f"{file} has unknown words {', '.join(unknown)}; known are {', '.join(sorted(WORDS))}")
    return nodes


API_HINT: Final = "\n\nhint: export it from ComfyUI by File, Export (API)"


def _words(plan: Plan, seed: int) -> dict[str, object]:
    order, details = plan.order, plan.details
    denoise = details.denoising_strength
    begun = 1.0 if plan.uploaded.picture is None or plan.uploaded.mask is not None else DENOISING
    return {
        "prompt": order.prompt,
        "negative_prompt": order.negative_prompt,
        "width": order.width,
        "height": order.height,
        "seed": seed,
        "steps": order.steps,
        "cfg_scale": details.cfg_scale,
        "sampler": sampler_of(details),
        "scheduler": schedule_of(details),
        "denoise": begun if denoise is UNSET else denoise,
        "clip_skip": -1 if details.clip_skip is UNSET else -details.clip_skip,
        "source_image": plan.uploaded.picture or "",
        "source_mask": plan.uploaded.mask or "",
    }


def _filled(value: object, words: Mapping[str, object]) -> object:
    """Fill a template once: what a requestor wrote is never looked through for words of its own."""
    if isinstance(value, dict):
        return {name: _filled(inner, words) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, words) for inner in value]
    if not isinstance(value, str):
        return value
    if whole := WORD.fullmatch(value):
        return words[whole[1]]
    return WORD.sub(lambda found: str(words[found[1]]), value)
