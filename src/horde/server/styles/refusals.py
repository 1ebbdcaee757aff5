"""Refusals of styles and collections.

BadInput 400
└── StyleMismatch               (on the wire BadRequest, as on the public horde)
Refused 403
└── StylesAnonForbidden, StylesRequiresCustomizer
Missing 404
├── StyleNotFound (horde.errors)
└── ImageStyleNotFound, TextStyleNotFound, ExampleNotFound, CollectionNotFound
"""

from __future__ import annotations

from horde.errors import BadInput, Missing, Refused


class StyleMismatch(BadInput):
    """This style is for another kind of request."""

    rc = "BadRequest"


class StylesAnonForbidden(Refused):
    """The anonymous account has no styles and no collections."""

    default_hint = "register for a key of your own."


class StylesRequiresCustomizer(Refused):
    """Only customizers and trusted accounts may make styles."""

    default_hint = "ask the operator of this horde for the role."


class ImageStyleNotFound(Missing):
    """There is no such image style."""

    rc = "Image styleNotFound"


class TextStyleNotFound(Missing):
    """There is no such text style."""

    rc = "Text styleNotFound"


class ExampleNotFound(Missing):
    """The style has no such example."""

    rc = "Style exampleNotFound"


class CollectionNotFound(Missing):
    """There is no such collection."""
