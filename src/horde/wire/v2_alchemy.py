"""The messages of API v2 for alchemy. Source: contract/api-v2.md, section 5; defaults and nulls as in v2.py."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.kinds.alchemy import Form
from horde.kinds.base import Serves
from horde.wire.v2 import BASE64_MAX, BODY_TEXT_MAX, PRIORITY_USERS_MAX, WebhookEvents

FORMS_MAX = 300
"""The contract names no limit but that of an account, which for most is as much."""
PAYLOAD_MAX = 50
FORMS = "What to make of the picture: each form is done, and paid, by itself. A form that is named twice is done twice."
FORM_EXAMPLES = [[{"name": "caption"}, {"name": "interrogation"}]]
SOURCE_IMAGE = (
    "The picture, in base64 or by its http(s) URL. In base64: webp, png, jpeg, avif, gif, bmp, tiff or ppm, up to"
    " 3072x3072 pixels. By URL: up to 5 MB and 255 tiles of 512x512, and workers fetch it from there."
)
WHITE_SQUARE = "UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAfQ//73v/+BiOh/AAA="
"""The smallest webp: an example that works as sent."""


class AskedForm(msgspec.Struct, kw_only=True):
    """One thing to be made of the picture."""

    name: Form
    payload: Annotated[dict[str, Annotated[str, Meta(max_length=BODY_TEXT_MAX)]], Meta(max_length=PAYLOAD_MAX)] | (
        UnsetType
    ) = UNSET
    """What else the form wants to know; given to the worker as it is."""


class InterrogateAsync(msgspec.Struct, kw_only=True):
    """A request for forms of one picture."""

    forms: Annotated[list[AskedForm], Meta(max_length=FORMS_MAX, description=FORMS, examples=FORM_EXAMPLES)] = (
        msgspec.field(default_factory=list)
    )
    source_image: Annotated[
        str, Meta(min_length=1, max_length=BASE64_MAX, description=SOURCE_IMAGE, examples=[WHITE_SQUARE])
    ]
    trusted_workers: bool = False
    slow_workers: bool = True
    webhook: Annotated[str, Meta(min_length=10, max_length=1024)] | UnsetType = UNSET
    webhook_events: WebhookEvents = msgspec.field(default_factory=lambda: ["job.done"])
    """An addition of ours, as for images; each form is a job."""


class InterrogateAccepted(msgspec.Struct, omit_defaults=True):
    """All forms wait, under this `id`."""

    id: str
    message: str | None = None


class FormStatus(msgspec.Struct, omit_defaults=True, kw_only=True):
    """How far one form is."""

    form: str
    state: Literal["waiting", "processing", "done", "cancelled", "faulted"]
    result: dict[str, object] | None = None
    """By the name of the form, when it is done; of post-processing a link that expires."""
    worker_id: str | None = None
    worker_name: str | None = None
    explanation: str | None = None
    """Why it was given up, where a worker said it."""


class InterrogateStatus(msgspec.Struct):
    """How far a request is, with the forms that are done."""

    state: Literal["waiting", "processing", "done", "cancelled", "faulted", "partial"]
    """`partial`: nothing is to be expected any more, and not all of it was done."""
    forms: list[FormStatus]


class InterrogatePop(msgspec.Struct, kw_only=True):
    """A worker asks for forms and says which it can do."""

    name: Annotated[str, Meta(min_length=1, max_length=1000, examples=["Alchemist of the stable"])]
    priority_usernames: Annotated[list[str], Meta(max_length=PRIORITY_USERS_MAX)] = []
    forms: Annotated[list[Form], Meta(max_length=FORMS_MAX, examples=[["caption", "interrogation"]])] = []
    amount: Annotated[int, Meta(ge=1, le=2**31 - 1)] = 1
    """How many forms it takes at once; it gets 20 at the most."""
    bridge_agent: Annotated[str, Meta(max_length=1000)] = "unknown:0:unknown"
    threads: Annotated[int, Meta(ge=1, le=100)] = 1
    max_tiles: Annotated[int, Meta(ge=1, le=256)] = 80
    """The largest picture, in tiles of 512x512."""
    serves: Serves = "everybody"
    """An addition of ours: whom. Who serves only his own people is not paid for it, and they are not charged."""
    held_jobs: Annotated[list[str], Meta(max_length=100)] | UnsetType = UNSET
    """An addition of ours: the ids of all forms this worker still works on, as for images."""


class PoppedForm(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One form to do."""

    id: str
    form: str
    source_image: str
    payload: dict[str, str] | UnsetType = UNSET
    r2_upload: str | UnsetType = UNSET
    """Where the picture goes that post-processing makes."""


class InterrogatePopAnswer(msgspec.Struct):
    """Forms to do, or (`forms` null) none and the reasons why."""

    forms: list[PoppedForm] | None = None
    skipped: dict[str, int] = {}


class InterrogateSubmit(msgspec.Struct, kw_only=True):
    """A worker hands a form in."""

    id: Annotated[str, Meta(max_length=1000)]
    result: Annotated[dict[str, object], Meta(examples=[{"caption": "a stable full of robots"}])] | UnsetType = UNSET
    """By the name of the form; `R2` for a picture that was uploaded. Some programs leave it out of a `faulted` one."""
    state: Annotated[str, Meta(max_length=100)] = "ok"
    """Only `faulted` matters: the form waits again."""
