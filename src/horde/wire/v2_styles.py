"""The messages of API v2 for styles and collections. Source: contract/api-v2.md, section 10.

As in v2.py: an explicit null is refused, absent is `UNSET`. Answers are stripped of nulls, but for collections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.kinds.image import ImageParams
from horde.kinds.text import TextParams
from horde.wire.v2 import ModelName, Warned
from horde.wire.v2_accounts import SharedKeyAnswer

TEMPLATE_MAX = 10_000
"""Characters of a style's prompt. The contract names no limit; each request in the style is filled into it."""
LISTED_MAX = 100
"""Tags and models that are looked at; a style has fewer, and is told so by a code of its own."""
STYLES_MAX = 100
"""Styles of one collection."""
URL_MAX = 1024

Name = Annotated[str, Meta(min_length=1, max_length=100, examples=["Oil painting"])]
Info = Annotated[str, Meta(min_length=10, max_length=1000, examples=["As if painted with oil on canvas."])]
Tags = Annotated[list[Annotated[str, Meta(min_length=1, max_length=25)]], Meta(max_length=LISTED_MAX)]
Models = Annotated[list[ModelName], Meta(max_length=LISTED_MAX, examples=[["stable_diffusion"]])]
ImagePrompt = Annotated[
    str,
    Meta(
        min_length=7,
        max_length=TEMPLATE_MAX,
        examples=["oil painting of {p}###photo, {np}"],
        description="`{p}` is where the requestor's prompt goes, `{np}` where what is not wanted goes; it needs both.",
    ),
]
TextPrompt = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=TEMPLATE_MAX,
        examples=["### Instruction: {p}\n### Response:"],
        description="`{p}` is where the requestor's prompt goes, and needed.",
    ),
]
SharedKey = Annotated[
    str,
    Meta(
        max_length=36,
        description="A shared key of your own: it pays for requests in this style as far as it can, and for no others"
        " any more, because the style shows it to everybody.",
    ),
]
SharedKeyToChange = Annotated[SharedKey, Meta(description="A shared key of your own; an empty text takes it away.")]
IMAGE_PARAMS = (
    "What is named holds for every request in this style. `n`, `seed`, `seed_variation`, `control_type`,"
    " `image_is_control`, `return_control_map` and `extra_texts` are not the style's: they are left to the requestor,"
    " and so are `width` and `height` where the style does not name them."
)
TEXT_PARAMS = (
    "What is named holds for every request in this style. `n` is left to the requestor, and so are `max_length` and"
    " `max_context_length` where the style does not name them."
)


class NewImageStyle(msgspec.Struct, kw_only=True):
    """A style for images."""

    name: Name
    info: Info | UnsetType = UNSET
    prompt: ImagePrompt = "{p}{np}"
    params: Annotated[ImageParams, Meta(description=IMAGE_PARAMS)] = msgspec.field(default_factory=ImageParams)
    public: bool = True
    """Whether it is in the lists; whoever knows its name or id may use it in any case."""
    nsfw: bool = False
    tags: Tags = []
    models: Models
    """One to five."""
    sharedkey: Annotated[SharedKey, Meta(min_length=36)] | UnsetType = UNSET


class NewTextStyle(msgspec.Struct, kw_only=True):
    """A style for texts."""

    name: Name
    info: Info | UnsetType = UNSET
    prompt: TextPrompt = "{p}"
    params: Annotated[TextParams, Meta(description=TEXT_PARAMS)] = msgspec.field(default_factory=TextParams)
    public: bool = True
    nsfw: bool = False
    tags: Tags = []
    models: Models
    sharedkey: SharedKey | UnsetType = UNSET


class ImageStyleChange(msgspec.Struct, kw_only=True):
    """What shall be changed of a style for images; what is left out stays, and parameters are changed all together."""

    name: Name | UnsetType = UNSET
    info: Info | UnsetType = UNSET
    prompt: ImagePrompt | UnsetType = UNSET
    params: Annotated[ImageParams, Meta(description=IMAGE_PARAMS)] | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    nsfw: bool | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    models: Models | UnsetType = UNSET
    sharedkey: SharedKeyToChange | UnsetType = UNSET


class TextStyleChange(msgspec.Struct, kw_only=True):
    """What shall be changed of a style for texts; what is left out stays, and parameters are changed all together."""

    name: Name | UnsetType = UNSET
    info: Info | UnsetType = UNSET
    prompt: TextPrompt | UnsetType = UNSET
    params: Annotated[TextParams, Meta(description=TEXT_PARAMS)] | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    nsfw: bool | UnsetType = UNSET
    tags: Tags | UnsetType = UNSET
    models: Models | UnsetType = UNSET
    sharedkey: SharedKeyToChange | UnsetType = UNSET


class Saved(msgspec.Struct, kw_only=True):
    """What was made or changed."""

    id: str
    message: str = "OK"
    warnings: list[Warned] | UnsetType = UNSET


class Done(msgspec.Struct):
    """It was done."""

    message: str = "OK"


class ExampleAnswer(msgspec.Struct):
    """A picture that shows what a style makes."""

    id: str
    url: str
    primary: bool


class StyleAnswer(msgspec.Struct, kw_only=True):
    """A style."""

    id: str
    name: str
    info: str | UnsetType = UNSET
    prompt: str
    params: Mapping[str, object]
    public: bool
    nsfw: bool
    tags: Sequence[str]
    models: Sequence[str]
    use_count: int
    creator: str
    examples: list[ExampleAnswer] | UnsetType = UNSET
    """Of styles for images."""
    shared_key: SharedKeyAnswer | UnsetType = UNSET
    """Of styles for images: what pays for requests in it."""


Url = Annotated[
    str,
    Meta(min_length=1, max_length=URL_MAX, description="`https://...`", examples=["https://pictures.example/fox.webp"]),
]


class NewExample(msgspec.Struct, kw_only=True):
    """A picture that is to be shown with a style."""

    url: Url
    primary: bool
    """Whether it stands for the style; the first one does in any case."""


class ExampleChange(msgspec.Struct, kw_only=True):
    """What shall be changed of an example."""

    url: Url
    primary: bool | UnsetType = UNSET


StyleRefs = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=1024)]],
    Meta(
        max_length=STYLES_MAX,
        description="Ids or names of styles, all for the same kind of request.",
        examples=[["Oil painting"]],
    ),
]
CollectionInfo = Annotated[str, Meta(max_length=1000)]
CollectionName = Annotated[str, Meta(min_length=1, max_length=100, examples=["Paintings"])]


class NewCollection(msgspec.Struct, kw_only=True):
    """A collection of styles: a request that names it gets one of them by chance."""

    name: CollectionName
    info: CollectionInfo | UnsetType = UNSET
    public: bool = True
    styles: StyleRefs


class CollectionChange(msgspec.Struct, kw_only=True):
    """What shall be changed of a collection; what is left out stays, and styles are changed all together."""

    name: CollectionName | UnsetType = UNSET
    info: CollectionInfo | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    styles: StyleRefs | UnsetType = UNSET


class CollectedStyle(msgspec.Struct):
    """A style of a collection."""

    name: str
    id: str


class CollectionAnswer(msgspec.Struct, kw_only=True):
    """A collection of styles; what is null is shown."""

    id: str
    name: str
    type: str
    """`image` or `text`."""
    info: str | None
    public: bool
    styles: list[CollectedStyle]
    use_count: int
