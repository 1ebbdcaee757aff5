"""What runs in the child: takes an order apart, has its pictures made, and looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import diffusers
import msgspec
import transformers
from PIL import Image

from horde.kinds.image_params import ControlType
from horde.wire.v2 import GenMetadata
from horde.worker.backends.base import BackendFailed, ImageAbilities, ImageOrder, Picture, Report
from horde.worker.backends.diffusers.control import ControlMaps
from horde.worker.backends.diffusers.drawing import Drawing
from horde.worker.backends.diffusers.families import SD, Family
from horde.worker.backends.diffusers.hub import stay_away
from horde.worker.backends.diffusers.improvement import Improve, improvement, post_processing
from horde.worker.backends.diffusers.models import Models, model_places
from horde.worker.backends.diffusers.options import Options
from horde.worker.backends.diffusers.pictures import decoded
from horde.worker.backends.diffusers.safety import SafetyCheck
from horde.worker.backends.diffusers.shelf import places
from horde.worker.backends.diffusers.wishes import Wishes, wishes_of
from horde.worker.backends.encoding import webp
from horde.worker.backends.places import place_of
from horde.worker.backends.torch_device import device_of, memory_counted


def engine(*, device: str, options: Mapping[str, object]) -> DiffusersEngine:
    """Make the engine for one device."""
    return DiffusersEngine(device_of(device), msgspec.convert(options, Options))


class DiffusersEngine:
    """The engine of one device."""

    def __init__(self, device: str, options: Options) -> None:
        for library in (diffusers, transformers):
            library.utils.logging.set_verbosity_error()
            library.utils.logging.disable_progress_bar()
        if not options.hub:
            stay_away()
        self._options = options
        self._device = device
        self._models = Models(model_places(options), options, device)
        self._loras = places(options.loras, "LoRAs")
        self._embeddings = places(options.embeddings, "textual inversions")
        self._maps = ControlMaps(options.depth_estimator, device=device, may_fetch=options.hub)
        self._controlnets: dict[str, diffusers.ControlNetModel] = {}
        self._safety: SafetyCheck | None = None
        self._post_processing = post_processing(options.post_processing, device=device)

    def load(self) -> ImageAbilities:
        """Load the first model, so that what is wrong comes up at the start and not with the first job."""
        options = self._options
        if not self._models.names:
            raise BackendFailed(
                f"there is no model in {options.models or options.shelf!r}; "
                "hint: `horde worker models get` fetches one, and the option models says where there are others"
            )
        if options.safety_checker is not None:
            self._safety = SafetyCheck(options.safety_checker, device=self._device, may_fetch=options.hub)
        self._models.get(self._models.names[0])
        if self._post_processing is not None:
            self._post_processing.load()
        return ImageAbilities(
            models=self._models.names,
            pixels_max=options.pixels_max,
            images_max=options.images_max,
            img2img=True,
            painting=True,
            post_processing=self._post_processing is not None,
            lora=bool(self._loras),
            takes_add_ons=("lora", "ti"),
            own_add_ons=(*self._loras, *self._embeddings),
            controlnet=bool(options.controlnets),
            sdxl_controlnet=bool(options.sdxl_controlnets),
        )

    def generate(self, order: ImageOrder, report: Report) -> Sequence[Picture]:
        """Make the pictures, one for each seed."""
        wishes = wishes_of(order)
        if wishes.use_nsfw_censor and self._safety is None:
            raise BackendFailed("pictures cannot be checked here; hint: set the option safety_checker")
        improve = improvement(self._post_processing, wishes)
        what = f"{len(order.seeds)} of {order.width}x{order.height} by {order.model!r}"
        with memory_counted(self._device, what):
            model = self._models.get(order.model)
            control = self._control_map(order, wishes)
            if control is not None and wishes.return_control_map:
                return [Picture(picture=webp(control), seed=seed) for seed in order.seeds]
            controlnet = None if wishes.control_type is None else self._controlnet(model.family, wishes.control_type)
            drawing = Drawing(self._models, model, self._loras, self._embeddings)
            made, told = drawing.draw(order, wishes, report, control=control, controlnet=controlnet)
            return self._checked(order, wishes, made, told, improve)

    def _checked(
        self,
        order: ImageOrder,
        wishes: Wishes,
        made: Sequence[Image.Image],
        told: Sequence[GenMetadata],
        improve: Improve,
    ) -> list[Picture]:
        unsafe = [False] * len(made)
        if wishes.use_nsfw_censor and self._safety is not None:
            unsafe = self._safety.unsafe(made)
        pictures = []
        for picture, seed, is_unsafe in zip(made, order.seeds, unsafe, strict=True):
            if is_unsafe:
                censored = (*told, GenMetadata(type="censorship", value="nsfw"))
                black = webp(Image.new("RGB", picture.size))
                pictures.append(Picture(picture=black, seed=seed, state="censored", metadata=censored))
            else:
                pictures.append(Picture(picture=webp(improve(picture)), seed=seed, metadata=tuple(told)))
        return pictures

    def _control_map(self, order: ImageOrder, wishes: Wishes) -> Image.Image | None:
        if wishes.control_type is None or order.sources is None or order.sources.picture is None:
            return None
        picture = decoded(order.sources.picture, (order.width, order.height))
        return picture if wishes.image_is_control else self._maps.draw(wishes.control_type, picture)

    def _controlnet(self, family: Family, control_type: ControlType) -> diffusers.ControlNetModel:
        """The ControlNet for this family, loaded if it is not. Raises BackendFailed if there is none."""
        nets = self._options.controlnets if family is SD else self._options.sdxl_controlnets
        if control_type not in nets or family.controlled is None:
            raise BackendFailed(f"there is no ControlNet for {control_type} and models of the family {family.name}")
        place = place_of(nets[control_type])
        if place not in self._controlnets:
            try:
                net = diffusers.ControlNetModel.from_pretrained(
                    place, dtype=self._models.dtype_of(family), local_files_only=not self._options.hub
                )
            except (OSError, ValueError) as error:
                raise BackendFailed(f"the ControlNet at {place!r} cannot be loaded: {error}") from error
            self._controlnets[place] = net
        return self._controlnets[place]
