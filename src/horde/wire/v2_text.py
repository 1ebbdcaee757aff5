"""The messages of API v2 for texts. Source: contract/api-v2.md, section 4; defaults and nulls as in v2.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.kinds.text import TextParams
from horde.wire.v2 import (
    BODY_TEXT_MAX,
    STYLE,
    AnyPop,
    CheckAnswer,
    ExtraSourceImage,
    ModelName,
    WebhookEvents,
    WorkerMessage,
)

PROMPT_MAX = 1_000_000
"""Characters of a prompt, which hold about 250,000 tokens. The contract names no limit; a story is kept as it grows."""


class TextAsync(msgspec.Struct, kw_only=True):
    """A request for texts."""

    prompt: Annotated[str, Meta(max_length=PROMPT_MAX, examples=["Once upon a time there was a horde of robots"])]
    params: TextParams = msgspec.field(default_factory=TextParams)
    softprompt: Annotated[str, Meta(min_length=1, max_length=BODY_TEXT_MAX)] | UnsetType = UNSET
    """Has no effect, as on the public horde."""
    trusted_workers: bool = False
    validated_backends: bool = False
    """Only programs that are known to write well with whatever back end they have."""
    slow_workers: bool = True
    workers: Annotated[list[str], Meta(max_length=100)] = []
    worker_blacklist: bool = False
    models: Annotated[list[ModelName], Meta(max_length=100)] = []
    """Any of these; empty: any model at all."""
    dry_run: bool = False
    proxied_account: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    extra_source_images: Annotated[list[ExtraSourceImage], Meta(max_length=5)] = []
    disable_batching: bool = False
    allow_downgrade: bool = False
    webhook: Annotated[str, Meta(max_length=BODY_TEXT_MAX)] | UnsetType = UNSET
    webhook_events: WebhookEvents = msgspec.field(default_factory=lambda: ["job.done"])
    """An addition of ours, as for images."""
    style: Annotated[str, Meta(min_length=3, max_length=1024, description=STYLE)] | UnsetType = UNSET
    extra_slow_workers: bool = False
    """Has no effect, as on the public horde."""
    nsfw: bool = False
    """Has no effect, as on the public horde: texts of all kinds go to all workers."""


class TextMetadata(msgspec.Struct):
    """A remark of the worker about a text."""

    type: Literal["censorship"]
    value: Literal["csam"]


class TextGeneration(msgspec.Struct, kw_only=True):
    """One text."""

    worker_id: str
    worker_name: str
    model: str
    state: Literal["ok", "censored", "csam"]
    text: str
    seed: int
    """0 where the worker names none."""
    gen_metadata: list[TextMetadata]


class TextStatusAnswer(CheckAnswer, kw_only=True):
    """How far a request is, with the texts that are ready."""

    generations: list[TextGeneration]


class TextPop(AnyPop, kw_only=True):
    """A worker asks for texts to write and says what it can do.

    `require_upfront_kudos` and `extra_slow_worker` have no effect for texts, as on the public horde.
    """

    max_length: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 512
    """The longest text in tokens."""
    max_context_length: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 2048
    """The longest context in tokens."""
    softprompts: Annotated[list[str], Meta(max_length=10_000)] = msgspec.field(default_factory=list)
    """Has no effect, as no request has a softprompt."""


class TextPopAnswer(msgspec.Struct, kw_only=True):
    """A batch of jobs of one request, or (`id` null) nothing and the reasons why."""

    payload: Mapping[str, object]
    id: str | None = None
    ids: list[str] = []
    messages: list[WorkerMessage] = []
    ttl: int | None = None
    """Seconds until the job goes back to the queue."""
    extra_source_images: list[ExtraSourceImage] | None = None
    skipped: dict[str, int] = {}
    softprompt: str | None = None
    model: str | None = None


class TextSubmit(msgspec.Struct, kw_only=True):
    """A worker hands a text in."""

    id: Annotated[str, Meta(max_length=1000)]
    generation: Annotated[str, Meta(max_length=BODY_TEXT_MAX)]
    state: Literal["ok", "censored", "faulted", "csam"] = "ok"
    seed: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] = 0
    gen_metadata: list[TextMetadata] = []
