"""What every kind of job has to say about itself, and the words in which it says it. Pure data; no I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Generic, Literal, Protocol, TypeVar

import msgspec

from horde.kinds.models import are_all_for_inpainting, traits
from horde.kinds.styles import StyleRules
from horde.units import Kudos, hundredths_of

P = TypeVar("P", bound=msgspec.Struct)
Serves = Literal["everybody", "team", "owner"]
"""Whom a worker serves."""
SourceProcessing = Literal["img2img", "inpainting", "outpainting", "remix"]

WebhookEvent = Literal["job.done", "request.done", "request.faulted", "request.expired"]
"""What a requestor can be told of: a result came in; all of them did; the request failed too often; nobody made it in
time."""


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
    is_from_unsafe_ip: bool = False
    is_vouched_for: bool = False
    """Whether a trusted account stands behind the unsafe address; False where the address is safe."""
    is_covered: bool = True
    """Whether the requestor is trusted or could pay one job when asking."""


def asked_by(needs: Needs, *, is_trusted: bool, can_pay: bool, is_from_unsafe_ip: bool) -> Needs:
    """These needs with what counts of their requestor, and nothing of it that would only part equal demands."""
    return msgspec.structs.replace(
        needs,
        is_from_unsafe_ip=is_from_unsafe_ip,
        is_vouched_for=is_from_unsafe_ip and is_trusted,
        is_covered=can_pay or is_trusted,
    )


@dataclass(frozen=True, kw_only=True)  # no slots: the cached properties have to live somewhere
class Offer:
    """What a worker says it can do at one pop, with what the house knows of it."""

    kind: str
    worker_id: str
    models: frozenset[str]
    features: frozenset[str]
    """What its program can do, also what is declined."""
    sizes: Mapping[str, int]
    nsfw: bool
    is_trusted: bool
    is_slow: bool
    is_extra_slow: bool
    declined: frozenset[str] = frozenset()
    """What its owner has switched off, in the words of the features; also what its program cannot do anyway."""
    limits_steps: bool = False
    """Whether it wants no more steps than its models need (v2: `limit_max_steps`)."""
    requires_cover: bool = False
    """Whether it serves only who could pay one job (v2: `require_upfront_kudos`)."""

    @cached_property
    def traits(self) -> frozenset[str]:
        """What the names of its models tell of at least one of them."""
        return traits(self.models)

    @cached_property
    def only_inpaints(self) -> bool:
        """Whether none of its models paints a whole picture."""
        return "inpainting" in self.traits and are_all_for_inpainting(self.models)


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """Where a requestor wants to be told of a request."""

    url: str
    events: tuple[WebhookEvent, ...] = ("job.done",)
    base_url: str
    """How the requestor reaches this server, for the links to results."""


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
    validated_backends: bool = False
    """Whether only programs may do it that are known to do it well; for kinds that know of such."""
    slow_workers: bool = True
    extra_slow_workers: bool = False
    workers: tuple[str, ...] = ()
    worker_blacklist: bool = False
    disable_batching: bool = False
    allow_downgrade: bool = False
    """Whether it may be made smaller where its requestor cannot pay it upfront."""
    source_processing: SourceProcessing | None = None
    """What is to be done with the pictures that come along; None: none do."""
    has_only_extra_sources: bool = False
    """Whether none of them is the one that the others are extra to."""
    has_source_mask: bool = False
    """Whether that picture comes with a mask that says which part of it is meant."""
    extra_sources: int = 0
    """How many more pictures come along."""
    is_inline: bool = False
    """Whether results are read as base64 in the status instead of by a link (v2: `r2: false`)."""
    seed: int | None = None
    """Below 2^32; None: a new one is drawn at each pop."""
    seed_variation: int = 0
    """How far the seeds of its batches lie apart."""
    client_agent: str = "unknown:0:unknown"
    webhook: Webhook | None = None
    address: str = ""
    """Where the request comes from; empty: not known."""
    replaces_suspicious: bool = True
    """Whether what filters hit is replaced in its prompt, instead of refusing it (v2: `replacement_filter`)."""
    proxied_account: str | None = None
    """For whom a service asks, in the service's own words."""

    @property
    def has_source_image(self) -> bool:
        """Whether a picture comes along to begin with."""
        return self.source_processing is not None and not self.has_only_extra_sources


@dataclass(frozen=True, slots=True)
class ChargeTerms:
    """How a requestor's charge for one job follows from what the job is worth."""

    factor: float
    extra: Kudos

    def of(self, worth: Kudos) -> Kudos:
        """The charge for a job of that worth, to a hundredth of a kudos; a censored job is charged as worth 0."""
        return Kudos(hundredths_of(worth * self.factor) + self.extra)


@dataclass(frozen=True, slots=True)
class Heavy:
    """Why a request is only taken from somebody who has the kudos for all of it."""

    reason: str
    """One sentence with the values."""
    may_downgrade: bool = True
    """Whether a smaller request would be taken without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made(Generic[P]):
    """A delivered job, for kinds whose worth follows from what was made."""

    params: P
    prompt_characters: int
    text: str
    model: str
    agent: str
    """The worker's program."""
    is_owner_trusted: bool
    """The worker's owner."""


@dataclass(frozen=True, slots=True)
class Unit:
    """In what people count a kind's work."""

    name: str
    """Many of them: "tokens"."""
    things: int
    """How many things are one."""


class Tax(Protocol[P]):
    """What a requestor pays once, when a request is accepted."""

    def __call__(self, draft: Draft[P], /, *, has_foreign_style: bool = False) -> Kudos:
        """`has_foreign_style`: a style of somebody else was applied."""
        ...


class HeavyTest(Protocol[P]):
    """Whether a request is too heavy for who cannot pay all of it; None: it is not."""

    def __call__(self, draft: Draft[P], *, threads: int, queued: int, upfront_for_lists: bool = False) -> Heavy | None:
        """`threads`: jobs that the workers online can do at once; `queued`: jobs of the kind that wait.

        `upfront_for_lists`: a list of workers makes a request heavy.
        """
        ...


class Downgrade(Protocol[P]):
    """A draft made small enough to be taken from anybody."""

    def __call__(self, draft: Draft[P], *, threads: int, queued: int) -> Draft[P]:
        """`threads` and `queued` as for HeavyTest."""
        ...


def told_as_censored(state: str) -> dict[str, object]:
    """A result's state as one flag."""
    return {"censored": state != "ok"}


def told_by_name(state: str) -> dict[str, object]:
    """A result's state under its own name."""
    return {"state": state}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What a kind has to know of an account that asks or serves."""

    alias: str
    """`name#id`."""
    is_special: bool


def asks_as_anybody(_draft: Draft[P], _person: Person) -> None:
    """For kinds that anybody may ask for in every way."""


def offers_as_anybody(_models: Collection[str], _person: Person) -> None:
    """For kinds whose models anybody may offer."""


def not_limited(_params: msgspec.Struct) -> Mapping[str, int]:
    """For kinds whose jobs no shared key limits."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[P]):
    """One kind of job as a table of pure functions. The registry `KINDS` is the only place that lists them."""

    name: str
    params: type[P]
    check: Callable[[Draft[P]], None]
    """Raises BadInput for what the schema alone cannot refuse."""
    needs: Callable[[Draft[P]], Needs]
    things: Callable[[P], int]
    """How much work one job is, in the kind's own things (images: pixelsteps)."""
    unit: Unit
    default_speed: float
    """Things per second of a worker that has delivered nothing yet."""
    slow_below: Callable[[Sequence[str]], float]
    """(models in the worker's order) -> things per second under which it is slow."""
    abilities: Callable[[str], frozenset[str]]
    """(agent) -> what the worker program that calls itself so can do, in the words of the features."""
    price: Callable[[Draft[P]], Kudos]
    """What one job is worth before it is known which model makes it; 0 where nothing can be said yet."""
    any_model: str
    """What a request that names no model is taken for, before one is chosen."""
    worth: Callable[[Kudos, str, Needs], Kudos]
    """(price, model, needs) -> what one delivered job is worth; with `worth_of_made`, the most that it can be worth."""
    pay_share: Callable[[str], float]
    """(agent) -> the part of a job's worth that a worker with this program is credited with."""
    uptime_reward: Callable[[Sequence[str], Collection[str], Mapping[str, int]], Kudos]
    """(models, features, sizes offered) -> what a worker gets for having been online for ten minutes."""
    charge_terms: Callable[[Draft[P]], ChargeTerms]
    """How the charge for one job follows from its worth."""
    tax: Tax[P]
    estimate: Callable[[Draft[P]], Kudos]
    """What all jobs of a request are expected to cost together, tax included; a dry run tells it."""
    heavy: HeavyTest[P]
    downgraded: Downgrade[P]
    lease_s: Callable[[P, tuple[str, ...]], int]
    """(params, the models named) -> how long a worker may take for one job before it goes back to the queue."""
    lease_factor_extra_slow: int
    """How many times as long an extra-slow worker may take, also of the server's minimum."""
    payload: Callable[[P, str, int, int], dict[str, object]]
    """(params, prompt, n, seed) -> what the worker gets, named as on the v2 wire."""
    batch_max: Callable[[P, Mapping[str, int], int], int]
    """(params, the worker's sizes, what it asked for) -> how many jobs of one request it can safely do at once."""
    size_in_words: Callable[[str, int], str]
    """(name, value) of a size in `Needs.sizes` -> how a human says it: "262,144 pixels (for example 512x512)"."""
    skip_keys_shown: tuple[str, ...]
    """The skip keys that an idle worker is told also when nothing was skipped for them."""
    makes_files: bool
    """Whether a result is a file in the storage; else it is a text, which is kept with the job."""
    worth_of_made: Callable[[Made[P]], Kudos] | None = None
    """What a delivered job is worth where only the result tells it; None: what `worth` said when it was handed out."""
    upfront: Callable[[Draft[P]], Kudos] | None = None
    """What the requestor of a heavy request must have; None: all that the request can cost."""
    has_models: bool = True
    """Whether what its requests name, and its workers offer, are models; else it is whatever the kind has instead."""
    uploads: Callable[[str, str], Sequence[str]] | None = None
    """(model, result) -> the parts of a result that is no file itself for which its worker uploaded one; None: none."""
    faults_max: int = 3
    """So many lost or faulted batches end a request: something in it breaks workers."""
    aborted_max: int = 20
    """A worker that fails more often than this within an hour is put into maintenance."""
    limit_factor: int = 1
    """How many times the number of jobs that its account is good for a requestor may have waiting."""
    uptime_is_spendable: bool = False
    """Whether what a worker earns for being online need not wait in escrow until its owner is trusted."""
    style: StyleRules[P] | None = None
    """How requests are asked in styles; None: such requests have none."""
    counts_for_teams: bool = False
    """Whether jobs of this kind count for the teams of the workers that do them."""
    believable_speed: float = inf
    """Things per second of one job beyond which a stranger's worker is not believed to have done it."""
    is_prompt_filtered: bool = False
    """Whether prompts of this kind are refused that hit the filters of moderators."""
    has_negative_prompt: bool = False
    """Whether what follows `###` in a prompt is what shall not be made."""
    result_field: str = "img"
    """What a webhook calls the result itself."""
    state_for_webhook: Callable[[str], Mapping[str, object]] = told_as_censored
    """(the result's state) -> how a webhook tells it (contract/lifecycle.md, section 11)."""
    reworded_for_webhook: Callable[[dict[str, object]], dict[str, object]] | None = None
    """(what a webhook tells of a job of any kind) -> how it tells it of this one; None: just so."""
    check_asker: Callable[[Draft[P], Person], None] = asks_as_anybody
    """Raises a refusal for what this account may not ask for."""
    check_server: Callable[[Collection[str], Person], None] = offers_as_anybody
    """(models, the worker's owner): raises BadInput for models that this account may not offer."""
    job_sizes: Callable[[P], Mapping[str, int]] = not_limited
    """How large one job is, by the names of the limits that a shared key may set for it."""

    @property
    def may_leave_files(self) -> bool:
        """Whether files in the storage may belong to its jobs."""
        return self.makes_files or self.uploads is not None

    @property
    def style_rules(self) -> StyleRules[P]:
        """`style`, for whoever has a style of this kind in hand."""
        assert self.style, f"requests for {self.name} have no styles"
        return self.style
