"""Loads models and keeps those in memory that were used last; their pipelines share one set of weights."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import diffusers
import torch

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.families import SD, Family, family_of
from horde.worker.backends.diffusers.options import Options
from horde.worker.backends.torch_device import free_memory

Beginning: TypeAlias = Literal["from_text", "from_picture", "from_hole"]


class Model:
    """A model in memory."""

    def __init__(self, family: Family, pipeline: diffusers.DiffusionPipeline, dtype: torch.dtype) -> None:
        self.family = family
        self.dtype = dtype
        self.whole = pipeline
        """The pipeline that it was loaded as."""
        self.scheduler_config: Mapping[str, object] = dict(pipeline.scheduler.config)
        """Of the scheduler that it came with."""

    def pipeline(
        self, beginning: Beginning, controlnet: diffusers.ModelMixin | None = None
    ) -> diffusers.DiffusionPipeline:
        """A pipeline over the same weights that begins so; with a ControlNet, if one is given."""
        if controlnet is None:
            kind, more = getattr(self.family.plain, beginning), {}
        elif self.family.controlled is None:
            raise BackendFailed(f"there are no ControlNets for models of the family {self.family.name}")
        else:
            kind, more = getattr(self.family.controlled, beginning), {"controlnet": controlnet}
        if type(self.whole) is kind:
            return self.whole
        # Without the type, it would turn the shared weights into float32.
        return kind.from_pipe(self.whole, dtype=self.dtype, **more)


class Models:
    """The models that are offered, by name."""

    def __init__(self, places: Mapping[str, str], options: Options, device: str) -> None:
        self._places = places
        self._options = options
        self.device = device
        self._loaded: OrderedDict[str, Model] = OrderedDict()

    @property
    def names(self) -> tuple[str, ...]:
        """As requestors give them."""
        return tuple(self._places)

    def get(self, name: str) -> Model:
        """The model of this name, loaded if it is not. Raises BackendFailed if it cannot be."""
        if name not in self._places:
            raise BackendFailed(f"the model {name!r} is not here; there are {', '.join(self._places)}")
        if name not in self._loaded:
            while len(self._loaded) >= self._options.models_in_memory:
                self._loaded.popitem(last=False)
                free_memory()
            self._loaded[name] = self._load(self._places[name])
        self._loaded.move_to_end(name)
        return self._loaded[name]

    def place(self, pipeline: diffusers.DiffusionPipeline) -> None:
        """Bring a pipeline to where it works."""
        if self._options.memory == "offload" and self.device != "cpu":
            pipeline.enable_model_cpu_offload(device=self.device)
        else:
            pipeline.to(self.device)

    def dtype_of(self, family: Family) -> torch.dtype:
        """Of the numbers that models of a family are calculated with here."""
        if self._options.precision != "auto":
            dtype = getattr(torch, self._options.precision)
            assert isinstance(dtype, torch.dtype)
            return dtype
        return torch.float32 if self.device == "cpu" else family.precision

    def _load(self, place: str) -> Model:
        family = family_of(place, may_fetch=self._options.hub)
        dtype = self.dtype_of(family)
        # Our own checker looks at pictures of every family, so a model's own is not loaded.
        more = {"safety_checker": None, "requires_safety_checker": False} if family is SD else {}
        kind = family.plain.from_text
        load = kind.from_single_file if Path(place).is_file() else kind.from_pretrained
        try:
            pipeline = load(place, dtype=dtype, local_files_only=not self._options.hub, **more)
        except (OSError, ValueError, KeyError) as error:
            raise BackendFailed(f"the model at {place!r} cannot be loaded: {error}") from error
        pipeline.set_progress_bar_config(disable=True)
        return Model(family, pipeline, dtype)
