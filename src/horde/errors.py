"""Every refusal that a caller can see.

HordeError                      rc, status, message, hint
├── BadInput 400                MissingPrompt, InvalidPromptSize, BadCFGDecimals, BadLoraVersion, TooManyUpscalers,
│   │                           RequiresTrust, OnlyServiceAccountProxy, ControlNetSourceMissing, SourceMaskUnnecessary,
│   │                           InvalidExtraSourceImages, InvalidExtraTexts, MissingExtraTexts, InvalidTransparencyCN,
│   │                           InvalidPriorityUsername, PolymorphicNameConflict, WorkerNameAlreadyExists,
│   │                           NoWorkerModSelected, ImageValidationFailed, NulByteInPayload, TooLongUserName
│   └── late deliveries         DuplicateGen, AbortedGen
├── Unauthorized 401            InvalidAPIKey
├── Refused 403                 WrongCredentials, NotOwner, NotModerator, AnonForbiddenWorker, WorkerMaintenance,
│   │                           LinkRefused
│   └── no more workers         WorkerInviteOnly, TooManyWorkers, TooManyWorkersTrusted, TooManySameIPs
├── Missing 404                 InvalidJobID, RequestNotFound, WorkerNotFound, UserNotFound, StyleNotFound,
│                               ObjectNotFound
├── IdempotencyKeyConflict 409
├── TooLarge 413
├── TooMany 429                 TooManyPrompts
└── Unavailable 503             NoWorkerNow, NothingMade, Overloaded, StorageFailed

The class name is the `rc` of the wire unless `rc` says otherwise; both are stable (contract/api-v2.md, section 1.4).
The class docstring is the default message. A subclass exists where a caller treats the case apart.
"""

from __future__ import annotations

from typing import ClassVar


class HordeError(Exception):
    """Something was refused."""

    rc: ClassVar[str] = "BadRequest"
    status: ClassVar[int] = 400
    default_hint: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if "rc" not in cls.__dict__:
            cls.rc = cls.__name__

    def __init__(self, message: str = "", *, hint: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.hint = hint or self.default_hint
        super().__init__(self.message)

    @property
    def sentence(self) -> str:
        """Message and hint in one line, for dialects whose error body has one text."""
        return f"{self.message} Hint: {self.hint}" if self.hint else self.message


class BadInput(HordeError):
    """The request cannot be used as it was sent."""

    rc = "BadRequest"
    status = 400


class MissingPrompt(BadInput):
    """You cannot specify an empty prompt."""


class InvalidPromptSize(BadInput):
    """The prompt is too long."""


class BadCFGDecimals(BadInput):
    """cfg_scale takes at most two decimals."""


class BadLoraVersion(BadInput):
    """A LoRA with is_version must be named by digits alone."""


class TooManyUpscalers(BadInput):
    """A request can have one upscaler at the most."""


class RequiresTrust(BadInput):
    """Only trusted users may switch batching off for several images."""


class OnlyServiceAccountProxy(BadInput):
    """Only service accounts may name a proxied account."""


class ControlNetSourceMissing(BadInput):
    """control_type needs a source image."""


class SourceMaskUnnecessary(BadInput):
    """A mask was sent without a source image."""


class InvalidExtraSourceImages(BadInput):
    """Extra source images are only used with source_processing remix."""

    rc = "InvalidExtraSourceImages."


class InvalidExtraTexts(BadInput):
    """extra_texts are only used with the workflow qr_code."""

    rc = "InvalidExtraTexts."


class MissingExtraTexts(BadInput):
    """The workflow qr_code needs an extra text with the reference qr_code."""

    rc = "MissingExtraTexts."


class InvalidTransparencyCN(BadInput):
    """Transparent images cannot be made with a control_type."""


class InvalidPriorityUsername(BadInput):
    """A priority username must look like alias#id."""


class PolymorphicNameConflict(BadInput):
    """A worker of another type has this name."""


class WorkerNameAlreadyExists(BadInput):
    """There is another worker with this name."""


class NoWorkerModSelected(BadInput):
    """Nothing was given that is to be changed of the worker."""


class ImageValidationFailed(BadInput):
    """Image validation failed."""


class NulByteInPayload(BadInput):
    """The payload holds a NUL byte, which cannot be stored."""

    default_hint = "remove \\u0000 from the text."


class TooLongUserName(BadInput):
    """A username has at most 30 characters."""


class DuplicateGen(BadInput):
    """This job was already submitted."""


class AbortedGen(BadInput):
    """The job was given back to the queue."""


class Unauthorized(HordeError):
    """The caller is not known."""

    status = 401


class InvalidAPIKey(Unauthorized):
    """No user matching sent API Key."""

    default_hint = "register for a key, or use the anonymous key 0000000000."


class Refused(HordeError):
    """The caller may not do this."""

    rc = "Forbidden"
    status = 403


class WrongCredentials(Refused):
    """The key does not belong to the owner."""


class NotOwner(Refused):
    """Only its owner or a moderator may change this."""


class NotModerator(Refused):
    """Only moderators may see this."""


class AnonForbiddenWorker(Refused):
    """The anonymous account may not run workers here."""

    default_hint = "register for a key of your own."


class WorkerMaintenance(Refused):
    """This worker has been put into maintenance mode by its owner."""


class WorkerInviteOnly(Refused):
    """This horde takes new workers by invitation only."""

    default_hint = "ask its operator for one."


class TooManyWorkers(Refused):
    """This account has as many workers as it may have."""

    default_hint = "give a worker the name of one that you do not run any more, or ask the operator to trust you."


class TooManyWorkersTrusted(Refused):
    """This trusted account has as many workers as it may have."""

    default_hint = "give a worker the name of one that you do not run any more, or ask the operator for an invitation."


class TooManySameIPs(Refused):
    """As many workers as may come from one address come from this one."""

    default_hint = "give a worker the name of one that you do not run any more, or ask the operator for an invitation."


class LinkRefused(Refused):
    """This link is not valid, or not any more."""

    default_hint = "ask for the status (or pop) again to get a fresh link."


class Missing(HordeError):
    """There is no such thing."""

    rc = "NotFound"
    status = 404


class InvalidJobID(Missing):
    """There is no such job."""


class RequestNotFound(Missing):
    """There is no request with this id."""

    default_hint = "requests are forgotten 20 minutes after their last activity."


class WorkerNotFound(Missing):
    """There is no worker with this id."""


class UserNotFound(Missing):
    """There is no such user."""


class StyleNotFound(Missing):
    """There is no such style."""


class ObjectNotFound(Missing):
    """There is no such file."""


class IdempotencyKeyConflict(HordeError):
    """This Idempotency-Key was used for another call."""

    status = 409
    default_hint = "make a new key for each call, and repeat it only with the same body."


class TooLarge(HordeError):
    """The body is too large."""

    status = 413


class TooMany(HordeError):
    """Too much at once."""

    status = 429


class TooManyPrompts(TooMany):
    """Too many images of yours are waiting."""

    default_hint = "wait for some of them to finish."


class Unavailable(HordeError):
    """The service cannot do this now."""

    status = 503


class NoWorkerNow(Unavailable):
    """No active server can do this request now."""


class NothingMade(Unavailable):
    """The request ended without a picture."""

    default_hint = "ask again, with a new Idempotency-Key if you use one."


class StorageFailed(Unavailable):
    """The picture cannot be stored or read now."""

    default_hint = "try again in a few seconds; the operator finds the reason in the log."


class Overloaded(Unavailable):
    """The server cannot reach its database now."""

    default_hint = "try again in a few seconds."
