"""The messages of API v2 for image requests and workers. Source: contract/api-v2.md, sections 2, 3, 7 and 8.

Those of texts: v2_text.py.

Defaults are those that the handlers really use, not the ones that the published schema of the reference advertises.
An explicit null is refused for every optional field, as the contract wants it: absent is `UNSET`.
Answers that the contract strips of nulls (section 1.7) have `omit_defaults`; the others always show every key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.kinds.base import Serves, SourceProcessing, WebhookEvent
from horde.kinds.image import ImageParams

ModelName = Annotated[str, Meta(min_length=1, max_length=255)]
UUID_LENGTH = 36
BODY_TEXT_MAX = 100_000
"""Characters that one text field may have at most; longer bodies are cut off by the size limit of the server."""
PRIORITY_USERS_MAX = 100
"""The contract names no limit; each of them is a look into the queue at every pop."""
BASE64_MAX = 20 * 1024 * 1024
WebhookEvents = Annotated[list[WebhookEvent], Meta(min_length=1, max_length=4)]
EXTRA_SOURCES_MAX = 100
"""The horde takes fewer, and says so by a code of its own."""
SOURCE_IMAGE = (
    "The picture to begin from, in base64 or by its http(s) URL: webp, png, jpeg, avif, gif, bmp, tiff or ppm, up to"
    " 3072x3072 pixels; by URL up to 5 MB, within 2 seconds, from the public internet."
)
SOURCE_PROCESSING = (
    "What is done with the source image. `inpainting` needs a mask, or a picture that is transparent where it shall be"
    " painted; `remix` needs Stable Cascade. Without a source image it has no effect."
)
SOURCE_MASK = "Which part of the source image is to be painted over: a picture, sent as that one is."
STYLE = (
    "A style or a collection of styles, by its id or its name: `name`, `style::name`, `alias#id::name`,"
    " `collection::name` and so on. Its models and parameters take the place of those sent; `params.n` stays, and what"
    " the style leaves open."
)
EXTRA_SOURCES = "Up to 5 more pictures for `remix`; more than one only from trusted users."


class ExtraSourceImage(msgspec.Struct):
    """One more picture for `source_processing: remix`."""

    image: Annotated[str, Meta(min_length=1, max_length=BASE64_MAX)]
    """Base64, or an http(s) URL."""
    strength: float = 1.0


class GenerateAsync(msgspec.Struct, kw_only=True):
    """A request for images."""

    prompt: Annotated[str, Meta(min_length=1, max_length=BODY_TEXT_MAX, examples=["A horde of stable robots"])]
    params: ImageParams = msgspec.field(default_factory=ImageParams)
    nsfw: bool = True
    censor_nsfw: bool = True
    trusted_workers: bool = False
    validated_backends: bool = False
    slow_workers: bool = True
    extra_slow_workers: bool = False
    workers: Annotated[list[str], Meta(max_length=100)] = []
    worker_blacklist: bool = False
    models: Annotated[list[ModelName], Meta(max_length=100)] = msgspec.field(
        default_factory=lambda: ["stable_diffusion"]
    )
    source_image: Annotated[str, Meta(max_length=BASE64_MAX, description=SOURCE_IMAGE)] | UnsetType = UNSET
    source_processing: Annotated[SourceProcessing, Meta(description=SOURCE_PROCESSING)] = "img2img"
    source_mask: Annotated[str, Meta(max_length=BASE64_MAX, description=SOURCE_MASK)] | UnsetType = UNSET
    extra_source_images: Annotated[
        list[ExtraSourceImage], Meta(max_length=EXTRA_SOURCES_MAX, description=EXTRA_SOURCES)
    ] = []
    r2: bool = True
    shared: bool = False
    replacement_filter: bool = True
    dry_run: bool = False
    proxied_account: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    """For whom a service asks, in its own words; for accounts with that role."""
    disable_batching: bool = False
    allow_downgrade: bool = False
    webhook: Annotated[str, Meta(min_length=10, max_length=1024)] | UnsetType = UNSET
    webhook_events: WebhookEvents = msgspec.field(default_factory=lambda: ["job.done"])
    """An addition of ours: what the webhook is told of."""
    style: Annotated[str, Meta(min_length=3, max_length=1024, description=STYLE)] | UnsetType = UNSET


class Warned(msgspec.Struct):
    """Something about an accepted request that its author should know."""

    code: str
    message: str


class GenerateAccepted(msgspec.Struct, omit_defaults=True):
    """The request waits, under `id`; `kudos` is the price of one of its images, and 0 for texts."""

    id: str
    kudos: float
    message: str | None = None
    warnings: list[Warned] | None = None


class DryRun(msgspec.Struct):
    """What the request would cost."""

    kudos: float


class CheckAnswer(msgspec.Struct, kw_only=True):
    """How far a request is. All numbers are present, also when 0."""

    finished: int
    processing: int
    restarted: int
    waiting: int
    done: bool
    faulted: bool
    wait_time: int
    """Seconds until the last result, as far as can be told."""
    queue_position: int
    """1 is next; 0: nothing of it waits."""
    kudos: float
    is_possible: bool
    explanation: str | UnsetType = UNSET
    """An addition of ours: why no worker online can do what waits, where that is so; or why it was given up."""


class GenMetadata(msgspec.Struct, omit_defaults=True):
    """A remark of the worker about a picture."""

    type: Literal[
        "lora", "ti", "censorship", "source_image", "source_mask", "extra_source_images", "batch_index",
        "information", "aesthetic_score",
    ]  # fmt: skip
    value: Literal["download_failed", "parse_failed", "baseline_mismatch", "csam", "nsfw", "see_ref"]
    ref: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET


class Generation(msgspec.Struct, kw_only=True):
    """One picture."""

    worker_id: str
    worker_name: str
    model: str
    state: Literal["ok", "censored", "csam"]
    img: str
    """A link that expires, or base64 of a webp (`r2: false`), or `N/A` when the picture is gone."""
    seed: str
    id: str
    censored: bool
    gen_metadata: list[GenMetadata]


class StatusAnswer(CheckAnswer, kw_only=True):
    """How far a request is, with the pictures that are ready."""

    shared: bool
    generations: list[Generation]


class AnyPop(msgspec.Struct, kw_only=True):
    """What workers of every kind say when they ask for a job."""

    name: Annotated[str, Meta(min_length=1, max_length=1000)]
    priority_usernames: Annotated[list[str], Meta(max_length=PRIORITY_USERS_MAX)] = []
    nsfw: bool = True
    models: Annotated[list[Annotated[str, Meta(min_length=3, max_length=255)]], Meta(max_length=5000)] = []
    bridge_agent: Annotated[str, Meta(max_length=1000)] = "unknown:0:unknown"
    threads: Annotated[int, Meta(ge=1, le=50)] = 1
    require_upfront_kudos: bool = False
    amount: Annotated[int, Meta(ge=1, le=20)] = 1
    extra_slow_worker: bool = False
    serves: Serves = "everybody"
    """An addition of ours: whom. Who serves only his own people is not paid for it, and they are not charged."""
    held_jobs: Annotated[list[str], Meta(max_length=100)] | UnsetType = UNSET
    """An addition of ours: the ids of all jobs this worker still works on. When given, its other jobs go back to the
    queue at once, so that a worker that was killed loses nobody's time. Who sends it makes one pop at a time."""


class Pop(AnyPop, kw_only=True):
    """A worker asks for a job and says what it can do."""

    max_pixels: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 512 * 512
    blacklist: Annotated[list[str], Meta(max_length=10_000)] = []
    allow_img2img: bool = True
    allow_painting: bool = True
    allow_unsafe_ipaddr: bool = True
    allow_post_processing: bool = True
    allow_controlnet: bool = False
    allow_sdxl_controlnet: bool = False
    allow_lora: bool = False
    limit_max_steps: bool = False


class WorkerMessage(msgspec.Struct, omit_defaults=True):
    """A message to a worker's owner, shown at each pop."""

    id: str
    message: str
    origin: str
    expiry: str


class NewMessage(msgspec.Struct, kw_only=True):
    """Something that a worker's owner should read."""

    message: Annotated[str, Meta(min_length=1, max_length=10_240)]
    worker_id: Annotated[str, Meta(max_length=UUID_LENGTH)] | UnsetType = UNSET
    """Whose worker it is for; left out, for all of them, which only moderators may."""
    origin: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    """In whose name; for moderators."""
    expiry: Annotated[int, Meta(ge=1, le=720)] = 12
    """Hours for which it is shown."""


class MessageAnswer(msgspec.Struct, kw_only=True):
    """A message to a worker, or (without `worker_id`) to all."""

    user_id: str
    """Who wrote it."""
    message: str
    origin: str
    created: str
    expiry: str
    id: str | UnsetType = UNSET
    worker_id: str | UnsetType = UNSET


class PopAnswer(msgspec.Struct, kw_only=True):
    """A batch of jobs of one request, or (`id` null) nothing and the reasons why."""

    payload: Mapping[str, object]
    id: str | None = None
    ids: list[str] = []
    skipped: dict[str, int] = {}
    model: str | None = None
    source_image: str | None = None
    """A link that expires, or base64 of a webp for programs that read no links."""
    source_processing: str = "img2img"
    source_mask: str | None = None
    extra_source_images: list[ExtraSourceImage] | None = None
    r2_upload: str | None = None
    r2_uploads: list[str] | None = None
    ttl: int | None = None
    """Seconds until the job goes back to the queue."""
    messages: list[WorkerMessage] = []


class Submit(msgspec.Struct, kw_only=True):
    """A worker hands a job in."""

    id: Annotated[str, Meta(max_length=1000)]
    generation: Annotated[str, Meta(max_length=BASE64_MAX)]
    """`R2` after an upload to the job's link, else the picture in base64."""
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
    state: Literal["ok", "censored", "faulted", "csam"] = "ok"
    censored: bool = False
    gen_metadata: list[GenMetadata] = []


class SubmitAnswer(msgspec.Struct):
    """What the job was worth, and what of it came to the worker's owner."""

    reward: float
    credited: float = 0.0
    """Ours: less than the reward for programs that leave work to others, nothing for who serves himself."""
    escrowed: float = 0.0
    """Ours: the part of `credited` that the owner cannot spend before being trusted."""


class KudosDetails(msgspec.Struct):
    """What a worker earned, by source; null until there is something."""

    generated: float | None = None
    uptime: float | None = None


class TeamName(msgspec.Struct):
    """A worker's team; both null when it has none."""

    name: str | None = None
    id: str | None = None


class WorkerAnswer(msgspec.Struct, kw_only=True):
    """A worker as everybody may see it; what is only said of one type of them is left out of the others."""

    name: str
    id: str
    type: str
    online: bool
    requests_fulfilled: int
    uncompleted_jobs: int
    kudos_rewards: float
    kudos_details: KudosDetails
    performance: str
    threads: int
    uptime: int
    maintenance_mode: bool
    trusted: bool
    flagged: bool
    team: TeamName
    bridge_agent: str
    nsfw: bool
    models: list[str] | UnsetType = UNSET
    forms: list[str] | UnsetType = UNSET
    info: str | UnsetType = UNSET
    max_pixels: int | UnsetType = UNSET
    megapixelsteps_generated: float | UnsetType = UNSET
    img2img: bool | UnsetType = UNSET
    painting: bool | UnsetType = UNSET
    post_processing: bool | UnsetType = msgspec.field(name="post-processing", default=UNSET)
    controlnet: bool | UnsetType = UNSET
    sdxl_controlnet: bool | UnsetType = UNSET
    lora: bool | UnsetType = UNSET
    max_length: int | UnsetType = UNSET
    max_context_length: int | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    """As the next one where the owner wants it so, and for moderators."""
    messages: list[MessageAnswer] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    """As the next ones for moderators."""
    suspicious: int | UnsetType = UNSET
    """Points against it; from five on it is paused."""
    ipaddr: str | UnsetType = UNSET
    contact: str | UnsetType = UNSET


class ModelAnswer(msgspec.Struct):
    """A model that workers online offer, or that somebody waits for."""

    name: str
    count: int
    """Threads of workers that offer it."""
    performance: float
    """Pixelsteps or tokens per second."""
    queued: float
    """Pixelsteps or tokens waiting for it."""
    jobs: float
    eta: int
    type: str


class PerformanceAnswer(msgspec.Struct, kw_only=True):
    """The horde in numbers. Those without a kind in their name are of images; an interrogator works for alchemy."""

    queued_requests: int
    queued_text_requests: int
    worker_count: int
    text_worker_count: int
    thread_count: int
    text_thread_count: int
    queued_megapixelsteps: float
    past_minute_megapixelsteps: float
    queued_forms: float
    interrogator_count: int
    interrogator_thread_count: int
    queued_tokens: float
    past_minute_tokens: float


class ModesAnswer(msgspec.Struct, kw_only=True):
    """How the horde is run at the moment."""

    maintenance_mode: bool
    invite_only_mode: bool
    raid_mode: bool | UnsetType = UNSET
    """For moderators only."""


class HeartbeatAnswer(msgspec.Struct):
    """Whether the server can do its work."""

    message: Literal["OK", "DOWN", "OVERLOADED"]
    version: str
    queue: int
    threads: int
    active_count: int
    db_connection: bool


class ModifyWorker(msgspec.Struct, kw_only=True):
    """What is to be different of a worker."""

    maintenance: bool | UnsetType = UNSET
    """Whether it serves its owner alone."""
    maintenance_msg: Annotated[str, Meta(max_length=1000)] = ""
    """What the worker is told at its pops then."""
    paused: bool | UnsetType = UNSET
    """For moderators."""
    info: Annotated[str, Meta(max_length=1000)] | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=5, max_length=100)] | UnsetType = UNSET
    team: Annotated[str, Meta(max_length=36)] | UnsetType = UNSET
    """A team's id; empty: none."""


class ModifyWorkerAnswer(msgspec.Struct, kw_only=True):
    """What was changed of a worker, as it is now."""

    maintenance: bool | UnsetType = UNSET
    paused: bool | UnsetType = UNSET
    info: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    team: str | UnsetType = UNSET
    """The team's name; `None`: it is in none."""


class Deleted(msgspec.Struct):
    """What is no more."""

    deleted_id: str
    deleted_name: str
