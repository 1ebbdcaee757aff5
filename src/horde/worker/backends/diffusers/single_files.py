"""Models in a single file, in the layout of those who published them first: which they are, and how they are loaded.

What such a file leaves out is shipped with the worker, or comes from a model that the owner names. No hub is asked.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import diffusers
import torch
from diffusers.loaders.single_file_utils import SingleFileComponentError, infer_diffusers_model_type
from safetensors import SafetensorError, safe_open

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.clip_tokenizer import clip_tokenizer
from horde.worker.backends.diffusers.originals import FOLDER
from horde.worker.backends.diffusers.shelf import WEIGHTS

UNREADABLE: Final = (OSError, ValueError, KeyError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError)
"""What the libraries raise for files that are broken, cut off, or try to be more than weights."""
PADDING_XL: Final = "!"
"""The second tokenizer of SDXL fills up with this."""
VELOCITY: Final = "v_pred"
"""An empty tensor of this name marks models that predict velocities,"""
NO_REST: Final = "ztsnr"
"""and one of this name those that begin from nothing but noise."""

Shapes: TypeAlias = Mapping[str, torch.Tensor]
"""Tensors by name, without their numbers."""


def shapes_of(place: str) -> Shapes:
    """What is in a file. Raises BackendFailed for one that cannot be read, or that would run code."""
    try:
        if place.endswith(WEIGHTS):
            with safe_open(place, framework="pt") as weights:
                names = weights.keys()
                return {name: torch.empty(weights.get_slice(name).get_shape(), device="meta") for name in names}
        found = torch.load(place, map_location="meta", weights_only=True)
    except UNREADABLE as error:
        hint = "" if place.endswith(WEIGHTS) else f"; hint: convert it into {WEIGHTS}"
        raise BackendFailed(f"the file {place!r} cannot be read: {_first_line(error)}{hint}") from error
    tensors = found.get("state_dict", found) if isinstance(found, dict) else {}
    return {name: tensor for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}


def layout_of(shapes: Shapes) -> str:
    """What diffusers calls the layout; `v1` is also what it says of those that it does not know."""
    return str(infer_diffusers_model_type(shapes))


@dataclass(frozen=True, slots=True)
class SingleFile:
    """A file of a known family."""

    place: str
    shapes: Shapes
    family: str
    base: str | None
    """The folder of a model that diffusers saved, whose configuration, tokenizers and, where the file has none, text
    encoders and VAE are taken; None: what is shipped."""

    def configuration(self) -> str:
        """The folder that says what the file leaves out. Raises BackendFailed where there is none."""
        shipped = FOLDER / self.family
        if self.base is not None and not Path(self.base).is_dir():
            raise BackendFailed(f"the base for files of {self.family} is to be a folder, and {self.base!r} is none")
        if self.base is None and not shipped.is_dir():
            raise BackendFailed(
                f"the model at {self.place!r} has no text encoders, as all single files of {self.family}; "
                f"hint: name a folder with them, as diffusers saves models, in the option bases"
            )
        return self.base or str(shipped)

    def load(self, kind: type[diffusers.DiffusionPipeline], *, dtype: torch.dtype) -> diffusers.DiffusionPipeline:
        """Load it into a pipeline of this kind. Raises BackendFailed."""
        tokenizers = _tokenizers(kind) if self.base is None else {}
        try:
            pipeline = kind.from_single_file(
                self.place, config=self.configuration(), dtype=dtype, local_files_only=True, **tokenizers
            )
        except (*UNREADABLE, SingleFileComponentError) as error:
            raise BackendFailed(f"the model at {self.place!r} cannot be loaded: {_first_line(error)}") from error
        if VELOCITY in self.shapes:
            ways = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": NO_REST in self.shapes}
            pipeline.scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config, **ways)
        return pipeline


def _tokenizers(kind: type[diffusers.DiffusionPipeline]) -> dict[str, object]:
    if "tokenizer_2" not in kind._get_signature_keys(kind)[0]:
        return {"tokenizer": clip_tokenizer()}
    return {"tokenizer": clip_tokenizer(), "tokenizer_2": clip_tokenizer(padding=PADDING_XL)}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
