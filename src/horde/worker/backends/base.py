"""What a back end is: the part that makes pictures, writes texts or looks at pictures.

Write a class of this shape and name it with `--backend`. It does one kind of work, which the type of its abilities
says; a worker runs as many back ends as its owner likes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from horde.wire.v2 import GenMetadata

AddOnKind = Literal["lora", "ti"]
"""A LoRA, or a textual inversion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAbilities:
    """What a back end for pictures can do; the worker offers no more than this."""

    models: tuple[str, ...]
    """Names as requestors give them."""
    pixels_max: int
    """Largest picture, width times height."""
    images_max: int = 1
    """How many pictures of one request it makes in one go."""
    parallel: int = 1
    """How many orders it works on at the same time, e.g. one on each GPU."""
    img2img: bool = False
    """Whether it makes pictures from those in `ImageOrder.sources`; whoever says so must look at them."""
    painting: bool = False
    """In- and outpainting."""
    post_processing: bool = False
    controlnet: bool = False
    sdxl_controlnet: bool = False
    lora: bool = False
    takes_add_ons: tuple[AddOnKind, ...] = ()
    """Of which kinds it works with those that the worker fetched (`ImageOrder.add_ons`)."""
    own_add_ons: tuple[str, ...] = ()
    """Names of those that it has itself, so that they are not fetched; in whichever letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextAbilities:
    """What a back end for texts can do."""

    models: tuple[str, ...]
    """Names as requestors give them, by custom `backend/model`."""
    tokens_max: int
    """Longest text that it writes."""
    context_max: int
    """Most tokens of prompt and text together."""
    parallel: int = 1
    softprompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlchemyAbilities:
    """What a back end can tell of a picture or make of it."""

    forms: tuple[str, ...]
    """Names of `kinds.alchemy.Form`."""
    tiles_max: int = 80
    """Largest picture, in squares of 512 pixels."""
    parallel: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Pictures that came along with a request, fetched already; in any format that Pillow reads."""

    processing: str
    """`img2img`, `inpainting`, `outpainting` or `remix`."""
    picture: bytes | None
    mask: bytes | None
    """White is painted over. None: the picture's own transparency says where, or there is no painting."""
    extras: tuple[tuple[bytes, float], ...] = ()
    """With the strength of each."""


@dataclass(frozen=True, slots=True)
class AddOn:
    """One that the payload names and the worker fetched."""

    kind: AddOnKind
    name: str
    """As the payload has it."""
    is_version: bool
    """Likewise."""
    path: str
    """A `.safetensors` file of this machine."""
    sha256: str
    """Of the file: 64 hexadecimal digits, in small letters."""
    triggers: tuple[str, ...] = ()
    """Words in a prompt that wake it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOrder:
    """Pictures to be made: all of one prompt, alike but for their seeds."""

    model: str
    prompt: str
    negative_prompt: str
    width: int
    height: int
    """Pixels, multiples of 64."""
    steps: int
    seeds: tuple[int, ...]
    """One a picture, each below 2^32."""
    payload: Mapping[str, object]
    """All that the horde sent (contract/api-v2.md, section 3.1), for what has no field here."""
    sources: Sources | None = None
    """What to begin from; None: nothing."""
    add_ons: tuple[AddOn, ...] = ()
    """Those of the payload that the back end does not have and that could be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextOrder:
    """Texts to be written after one prompt, all with the same parameters."""

    model: str
    prompt: str
    tokens: int
    """How many at most to write."""
    context: int
    """How many at most to look at, those to be written included."""
    texts: int
    payload: Mapping[str, object]
    """All that the horde sent (contract/api-v2.md, section 4.3), with the names that KoboldAI gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormOrder:
    """One form of alchemy, for one picture."""

    form: str
    picture: bytes
    """Fetched already; in any format that Pillow reads."""
    payload: Mapping[str, str]
    """What else the requestor said to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture that was made."""

    picture: bytes
    """webp."""
    seed: int
    """What makes this very picture again."""
    state: Literal["ok", "censored", "csam"] = "ok"
    metadata: tuple[GenMetadata, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text that was written."""

    text: str
    seed: int = 0
    state: Literal["ok", "censored", "csam"] = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was told of a picture, or made of it."""

    form: str
    """What was ordered."""
    value: object
    """As the form's result is sent (contract/api-v2.md, section 5.4), e.g. the text of a caption."""
    picture: bytes | None = None
    """For forms that make a picture of a picture: the webp, in place of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an order is; each field only where the back end knows it."""

    share: float
    """From 0 to 1."""
    preview: bytes | None = None
    """The picture so far, webp, small."""
    text: str | None = None
    """The text so far, whole."""
    machine: int | None = None
    """Which of those that work side by side has it, by any number: one may be faster than another."""


Report: TypeAlias = Callable[[Progress], None]
"""Tells the worker of progress. Cheap, may be called as often as one likes, on the event loop."""


class BackendFailed(Exception):
    """An order that came to nothing, for a reason that a person can read; it costs this order alone."""


class OutOfMemory(BackendFailed):
    """The order was too big for the machine; the worker offers smaller pictures from then on."""


Can = TypeVar("Can", covariant=True)
Ordered = TypeVar("Ordered", contravariant=True)
Made = TypeVar("Made", covariant=True)


class Backend(Protocol[Can, Ordered, Made]):
    """Does the work. One instance serves a worker for its whole life; up to `parallel` calls of `generate` overlap."""

    @property
    def abilities(self) -> Can:
        """What it can do now; asked after `start`, before each pop."""
        ...

    async def start(self) -> None:
        """Load what has to be loaded. What it raises ends the worker."""
        ...

    async def ready(self) -> None:
        """Wait until it may be given work: returns at once, unless e.g. the owner uses the program himself."""
        ...

    async def generate(self, order: Ordered, report: Report) -> Sequence[Made]:
        """Make one result for each that is ordered, in their order, without blocking the event loop.

        What it raises costs these results and nothing more: their jobs go back to the queue, with the reason of a
        BackendFailed. Cancelled when the lease is over or the worker stops.
        """
        ...

    async def close(self) -> None:
        """Let go of everything. Called once, also when `start` failed."""
        ...


ImageBackend: TypeAlias = Backend[ImageAbilities, ImageOrder, Picture]
TextBackend: TypeAlias = Backend[TextAbilities, TextOrder, Text]
AlchemyBackend: TypeAlias = Backend[AlchemyAbilities, FormOrder, Finding]
AnyBackend: TypeAlias = ImageBackend | TextBackend | AlchemyBackend
"""One of these, whichever; its trade (worker/trades) fits it."""
