"""Loads models and keeps those in memory that were used last; their pipelines share one set of weights."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

import diffusers
import torch

from horde.worker.backends.base import BackendFailed
from horde.worker.backends.diffusers.families import SD, Family, family_of_file, family_of_folder
from horde.worker.backends.diffusers.hub import here_or_fetched
from horde.worker.backends.diffusers.options import Options
from horde.worker.backends.diffusers.shelf import OLD_WEIGHTS, WEIGHTS, places
from horde.worker.backends.diffusers.single_files import UNREADABLE, SingleFile, shapes_of
from horde.worker.backends.places import place_of
from horde.worker.backends.torch_device import free_memory

log = logging.getLogger(__name__)

MODEL_FORMATS = (WEIGHTS, OLD_WEIGHTS)
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

    @contextmanager
    def placed(self, pipeline: diffusers.DiffusionPipeline) -> Iterator[None]:
        """Within it, a pipeline is where it works."""
        if self._options.memory == "whole" or self.device == "cpu":
            pipeline.to(self.device)
            yield
            return
        if self._options.memory == "offload":
            pipeline.enable_model_cpu_offload(device=self.device)
        else:
            pipeline.enable_sequential_cpu_offload(device=self.device)
        try:
            yield
        finally:
            # What loads LoRAs would put hooks that it finds back on the first card, whichever this is.
            pipeline.remove_all_hooks()
            pipeline.to("cpu")

    def dtype_of(self, family: Family) -> torch.dtype:
        """Of the numbers that models of a family are calculated with here."""
        if self._options.precision != "auto":
            dtype = getattr(torch, self._options.precision)
            assert isinstance(dtype, torch.dtype)
            return dtype
        return torch.float32 if self.device == "cpu" else family.precision

    def _load(self, place: str) -> Model:
        family, file = _opened(place, self._options)
        kind, dtype = family.plain.from_text, self.dtype_of(family)
        pipeline = _of_folder(kind, place, dtype, self._options) if file is None else file.load(kind, dtype=dtype)
        pipeline.set_progress_bar_config(disable=True)
        if self._options.attention_slicing:
            pipeline.enable_attention_slicing()
        if self._options.vae_tiling:
            pipeline.vae.enable_tiling()
        return Model(family, pipeline, dtype)


def model_places(options: Options) -> dict[str, str]:
    """The models to be offered, with their places: those that the owner named, or what the shelf has for this back end.

    Raises BackendFailed where neither is said, or a named folder is not there.
    """
    if options.models is not None:
        return places(options.models, "models", formats=MODEL_FORMATS)
    if options.shelf is None:
        raise BackendFailed("no models are named; hint: the option models says where they are")
    if not Path(options.shelf).is_dir():
        return {}
    found = places(options.shelf, "models", formats=MODEL_FORMATS)
    return {name: place for name, place in found.items() if _is_usable(name, place, options)}


def _is_usable(name: str, place: str, options: Options) -> bool:
    """Whether a model can be used here: the shelf also has those of other back ends."""
    try:
        _opened(place, options)
    except BackendFailed as error:
        log.warning("%s is left out: %s", name, error)
        return False
    return True


def _opened(place: str, options: Options) -> tuple[Family, SingleFile | None]:
    """What is known of a model before it is loaded. Raises BackendFailed for what cannot be used."""
    if not Path(place).is_file():
        return family_of_folder(place, may_fetch=options.hub), None
    shapes = shapes_of(place)
    family = family_of_file(place, shapes)
    base = options.bases.get(family.name)
    file = SingleFile(place, shapes, family.name, None if base is None else place_of(base))
    file.configuration()
    return family, file


def _of_folder(
    kind: type[diffusers.DiffusionPipeline], place: str, dtype: torch.dtype, options: Options
) -> diffusers.DiffusionPipeline:
    # Our own checker looks at pictures of every family, so a model's own is not loaded.
    more = {"safety_checker": None, "requires_safety_checker": False} if kind is SD.plain.from_text else {}
    try:
        return here_or_fetched(
            lambda is_here: kind.from_pretrained(place, dtype=dtype, local_files_only=is_here, **more),
            may_fetch=options.hub,
        )
    except UNREADABLE as error:
        raise BackendFailed(f"the model at {place!r} cannot be loaded: {error}") from error
