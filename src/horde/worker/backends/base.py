"""What a back end is: the part that makes pictures. Write a class of this shape and name it with `--backend`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from horde.wire.v2 import GenMetadata


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a back end can do; the worker offers no more than this."""

    models: tuple[str, ...]
    """Names as requestors give them."""
    pixels_max: int
    """Largest picture, width times height."""
    images_max: int = 1
    """How many pictures of one request it makes in one go."""
    img2img: bool = False
    """Whether it makes pictures from those in `Order.sources`; whoever says so must look at them."""
    painting: bool = False
    """In- and outpainting."""
    post_processing: bool = False
    controlnet: bool = False
    sdxl_controlnet: bool = False
    lora: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Pictures that came along with a request, each as a link (http...) or as base64 of a webp."""

    processing: str
    """`img2img`, `inpainting`, `outpainting` or `remix`."""
    picture: str | None
    mask: str | None
    extras: tuple[tuple[str, float], ...] = ()
    """With the strength of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One picture that was made."""

    picture: bytes
    """webp."""
    seed: int
    """What makes this very picture again."""
    state: Literal["ok", "censored", "csam"] = "ok"
    metadata: tuple[GenMetadata, ...] = ()


class Backend(Protocol):
    """Makes pictures. One instance serves a worker for its whole life; `generate` may be called while another runs."""

    @property
    def abilities(self) -> Abilities:
        """What it can do; asked after `start`, and not changed then."""
        ...

    async def start(self) -> None:
        """Load what has to be loaded. What it raises ends the worker."""
        ...

    async def generate(self, order: Order) -> Sequence[Result]:
        """Make one picture for each seed, in their order, without blocking the event loop.

        What it raises costs these pictures and nothing more: their jobs go back to the queue. Cancelled when the
        lease is over or the worker stops.
        """
        ...

    async def close(self) -> None:
        """Let go of everything. Called once, also when `start` failed."""
        ...
