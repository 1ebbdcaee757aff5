"""What a trade is: how one kind of work is asked for, read, and handed in. Translates and does no I/O of its own.

Everything else of a worker is the same for all kinds, and knows only this.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from horde.client import Call
from horde.kinds.base import Serves
from horde.wire import v2
from horde.worker.backends.base import AddOn
from horde.worker.models.civitai import Wanted

Can = TypeVar("Can")
CanIn = TypeVar("CanIn", contravariant=True)
Ordered = TypeVar("Ordered")
Made = TypeVar("Made")
Popped = TypeVar("Popped")

FetchPicture: TypeAlias = Callable[[str], Awaitable[bytes]]
"""Gets a picture that the horde names by a link or sends as base64. Raises BackendFailed when it cannot be had."""
FetchAddOns: TypeAlias = Callable[[Sequence[Wanted]], Awaitable[tuple[AddOn, ...]]]
"""Gets those LoRAs and textual inversions that can be had, and leaves out the others."""


async def no_add_ons(_wanted: Sequence[Wanted]) -> tuple[AddOn, ...]:
    """For back ends that work with those alone that they have."""
    return ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """How a job's order comes by what the job only names."""

    picture: FetchPicture
    add_ons: FetchAddOns = no_add_ons


LEASE_S_DEFAULT = 150
"""The shortest lease of an image job (contract/lifecycle.md, section 7), for servers that name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the owner of the worker says of it, whatever its back end can do."""

    name: str
    agent: str
    threads: int
    models: tuple[str, ...] = ()
    """Those of the back end's to offer; none named: all."""
    max_pixels: int | None = None
    """None: as the back end says; so are the others."""
    max_tokens: int | None = None
    max_context: int | None = None
    nsfw: bool = True
    censor_nsfw: bool = False
    censorlist: tuple[str, ...] = ()
    blacklist: tuple[str, ...] = ()
    priority_usernames: tuple[str, ...] = ()
    allow_img2img: bool = True
    allow_painting: bool = True
    allow_post_processing: bool = True
    allow_controlnet: bool = True
    allow_lora: bool = True
    fetches_add_ons: bool = False
    """Whether LoRAs are fetched that the back end does not have."""
    allow_unsafe_ipaddr: bool = True
    require_upfront_kudos: bool = False
    extra_slow_worker: bool = False
    limit_max_steps: bool = False
    serves: Serves = "everybody"

    def offered(self, models: Sequence[str]) -> list[str]:
        """The models to offer, of these."""
        return [model for model in models if not self.models or model in self.models]

    def wants_censoring(self, prompt: str) -> bool:
        """Whether a picture for this prompt is to be censored if it turns out not safe for work."""
        words = prompt.lower()
        return self.censor_nsfw or any(word.lower() in words for word in self.censorlist)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[Ordered]):
    """Jobs that were leased together and are made in one go."""

    job_ids: tuple[str, ...]
    links: tuple[str | None, ...]
    """Where the picture of each job is to be put; None: it goes in with the delivery."""
    lease_s: float
    about: str
    """What it is, in a few words for the owner."""
    prepare: Callable[[Fetch], Awaitable[Ordered]]
    """Fetches what the order needs. Raises BackendFailed."""
    pixels: int = 0
    """Of one picture; what to offer less of, when this one was too big."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken(Generic[Ordered]):
    """What a pop brought."""

    batches: Sequence[Batch[Ordered]] = ()
    unreadable: Sequence[str] = ()
    """Jobs that this worker makes no sense of."""
    messages: Sequence[v2.WorkerMessage] = ()
    skipped: dict[str, int] | None = None
    """How many requests waited for which there was something else in the way."""


class Trade(Protocol[CanIn, Ordered, Made, Popped]):
    """One kind of work."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def result(self) -> type[Made]:
        """What its results are; msgspec can write and read them."""
        ...

    def pop(
        self, said: Said, abilities: CanIn, held_jobs: Sequence[str], pixels_max: int | None, wait_s: int
    ) -> Call[Popped]:
        """Ask for work. `pixels_max` is what proved too big for the machine, and is not offered."""
        ...

    def read(self, answer: Popped, said: Said) -> Taken[Ordered]:
        """What the horde gave."""
        ...

    def picture(self, result: Made) -> bytes | None:
        """The picture of a result, which goes to the job's link."""
        ...

    def deliver(self, job_id: str, result: Made, place: str | None) -> Call[v2.SubmitAnswer]:
        """Hand a result in, with what the delivery says in place of its picture."""
        ...

    def fault(self, job_id: str, reason: str) -> Call[v2.SubmitAnswer]:
        """Give a job back, with a reason for its requestor. Servers of others ignore it."""
        ...
