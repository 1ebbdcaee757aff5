"""What every kind of job has to say about itself, and the words in which it says it. Pure data; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from horde.units import Kudos

P = TypeVar("P", bound=msgspec.Struct)


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What a request demands of a worker. Requests with equal needs wait in the same lane.

    Tuples are sorted and without duplicates, so that equal demands are equal values.
    """

    kind: str
    models: tuple[str, ...] = ()
    """Any of these; empty: any model at all."""
    features: tuple[str, ...] = ()
    """All of these, in the kind's own vocabulary."""
    sizes: tuple[tuple[str, int], ...] = ()
    """What the worker's own limits must reach, by name: `("pixels", 262144)`."""
    nsfw: bool = False
    trusted_workers: bool = False
    slow_workers: bool = True
    extra_slow_workers: bool = False
    workers: tuple[str, ...] = ()
    """Worker ids, allowed or (`worker_blacklist`) denied; empty: all allowed."""
    worker_blacklist: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a worker says it can do at one pop, with what the house knows of it."""

    kind: str
    worker_id: str
    models: frozenset[str]
    features: frozenset[str]
    sizes: Mapping[str, int]
    nsfw: bool
    is_trusted: bool
    is_slow: bool
    is_extra_slow: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft(Generic[P]):
    """What a requestor asks for, free of any dialect and not yet accepted."""

    kind: str
    prompt: str
    params: P
    n: int = 1
    models: tuple[str, ...] = ()
    nsfw: bool = True
    censor_nsfw: bool = True
    trusted_workers: bool = False
    slow_workers: bool = True
    extra_slow_workers: bool = False
    workers: tuple[str, ...] = ()
    worker_blacklist: bool = False
    disable_batching: bool = False
    is_inline: bool = False
    """Whether results are read as base64 in the status instead of by a link (v2: `r2: false`)."""
    seed: int | None = None
    """Below 2^32; None: a new one is drawn at each pop."""
    seed_variation: int = 0
    """How far the seeds of its batches lie apart."""
    client_agent: str = "unknown:0:unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[P]):
    """One kind of job as a table of pure functions. The registry `KINDS` is the only place that lists them."""

    name: str
    params: type[P]
    check: Callable[[Draft[P]], None]
    """Raises BadInput for what the schema alone cannot refuse."""
    needs: Callable[[Draft[P]], Needs]
    things: Callable[[P], int]
    """How much work one job is, in the kind's own unit (images: pixelsteps)."""
    price: Callable[[P], Kudos]
    """What a worker earns for one job."""
    lease_s: Callable[[P], int]
    """How long a worker may take for one job before it goes back to the queue."""
    payload: Callable[[P, str, int, int], dict[str, object]]
    """(params, prompt, n, seed) -> what the worker gets, named as on the v2 wire."""
    batch_max: Callable[[P, Mapping[str, int], int], int]
    """(params, the worker's sizes, what it asked for) -> how many jobs of one request it can safely do at once."""
    skip_keys: Mapping[str, str]
    """Feature or size -> the name under which an idle worker is told that it lacks it; absent: `bridge_version`."""
