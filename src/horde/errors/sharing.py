"""Refusals about what accounts share, tell and leave: shared keys, messages to workers, special models,
accounts that are deleted.

As errors.py, which holds the roots and all others; a part of its own because that file is full.

├── BadInput 400       NoSharedKeyModSelected, SharedKeyLimit, SpecialFieldNeedsSpecialUser, SpecialMissingPayload,
│                      SpecialMissingUsername
├── Refused 403        SharedKeyEmpty, SharedKeyExpired, SharedKeyInsufficientKudos, SharedKeyAssignedStyles,
│                      TooManySharedKeys, NotOwnSharedKey, MessagesOnlyOwnWorkers, TooManyMessages, NotOwnMessages,
│                      AnonForbiddenUser, NotUserOrMod, CannotDeleteMod, CannotWipeActiveUser, SpecialForbidden,
│                      SpecialModelNeedsSpecialUser
└── Missing 404        WorkermessageNotFound
"""

from __future__ import annotations

from horde.errors import BadInput, Missing, Refused


class NoSharedKeyModSelected(BadInput):
    """Nothing was said that shall be changed of the shared key."""

    default_hint = "give at least one of kudos, expiry, name, max_image_pixels, max_image_steps and max_text_tokens."


class SharedKeyLimit(BadInput):
    """This shared key does not allow so large a job."""

    rc = "BadRequest"


class SharedKeyEmpty(Refused):
    """This shared key has no kudos left."""

    default_hint = "ask its owner for more, or set `allow_downgrade` to be served after all others."


class SharedKeyExpired(Refused):
    """This shared key has expired."""

    default_hint = "ask its owner to extend it."


class SharedKeyInsufficientKudos(Refused):
    """This shared key has too few kudos left for the request."""


class SharedKeyAssignedStyles(Refused):
    """This shared key was given to a style, which shows it to everybody, so nobody can ask with it."""

    default_hint = "ask in the style with a key of your own: the shared key pays then."


class TooManySharedKeys(Refused):
    """This account has as many shared keys as it may have."""

    rc = "Forbidden"
    default_hint = "delete one that is not needed any more."


class NotOwnSharedKey(Refused):
    """Only its owner may change a shared key."""

    rc = "Forbidden"


class MessagesOnlyOwnWorkers(Refused):
    """Only moderators may write to workers of other accounts, or to all."""

    default_hint = "name one of your own workers in `worker_id`."


class TooManyMessages(Refused):
    """As many messages of this account are shown to workers as may be at once."""

    rc = "Forbidden"
    default_hint = "delete one, or wait until one expires."


class NotOwnMessages(Refused):
    """Only who wrote a message, or a moderator, may do this."""

    rc = "Forbidden"


class WorkermessageNotFound(Missing):
    """There is no message with this id."""

    default_hint = "messages are forgotten some time after they expired."


class AnonForbiddenUser(Refused):
    """The anonymous account cannot be deleted, nor delete others: it is everybody's."""


class NotUserOrMod(Refused):
    """Only its owner or a moderator may delete an account."""


class CannotDeleteMod(Refused):
    """The account of a moderator cannot be deleted."""

    default_hint = "an admin has to take the role away first."


class CannotWipeActiveUser(Refused):
    """This account is deleted, but not for long enough to be wiped."""


class SpecialModelNeedsSpecialUser(Refused):
    """Models whose names begin with horde_special are for special users."""

    rc = "Forbidden"
    default_hint = "moderators of this horde can give the role."


class SpecialForbidden(Refused):
    """This special model belongs to somebody else."""

    rc = "Forbidden"


class SpecialMissingUsername(BadInput):
    """The name of a special model has to tell whose it is."""

    default_hint = "write it as horde_special::alias#id."


class SpecialMissingPayload(BadInput):
    """A request for a special model has to say in params.special what is to be done."""


class SpecialFieldNeedsSpecialUser(BadInput):
    """Only special users may send a special field."""

    rc = "BadRequest"
    default_hint = "leave `params.special` out; moderators of this horde can give the role."
