"""Every refusal that a caller can see.

HordeError                      rc, status, message, hint
├── BadInput 400                MissingPrompt, InvalidPromptSize, BadCFGDecimals, BadLoraVersion, TooManyUpscalers,
│   │                           RequiresTrust, OnlyServiceAccountProxy, ControlNetSourceMissing, SourceMaskUnnecessary,
│   │                           InvalidExtraSourceImages, InvalidExtraTexts, MissingExtraTexts, InvalidTransparencyCN,
│   │                           InvalidPriorityUsername, PolymorphicNameConflict, WorkerNameAlreadyExists,
│   │                           NoWorkerModSelected, ImageValidationFailed, NulByteInPayload, TooLongUserName,
│   │                           NoUserModSelected, UserNotDeleted, NoTeamModSelected, TeamNameAlreadyExists,
│   │                           MaintenanceMode, NoHordeModSelected, AestheticsNotCompleted, AestheticsNotPublic
│   ├── KudosValidationError    kudos that cannot be moved: KudosTransferFromAnon, InvalidTargetUsername,
│   │                           KudosTransferToAnon, KudosTransferToSelf, TooFastKudosTransfers,
│   │                           FaultWhenKudosSending, SourceAccountFlagged, EducationCannotSendKudos,
│   │                           FaultWhenKudosReceiving, TargetAccountFlagged, NegativeKudosTransfer,
│   │                           InvalidKudosTransferAmount, KudosTransferNotEnough, InvalidAwardUsername,
│   │                           KudosAwardToAnon
│   └── late deliveries         DuplicateGen, AbortedGen
├── Unauthorized 401            InvalidAPIKey
├── Refused 403                 WrongCredentials, NotModerator, NotAdmin, NotOwner, AnonForbidden,
│   │                           AnonForbiddenUserMod, AnonForbiddenWorker, NonServiceForbidden, UntrustedTeamCreation,
│   │                           NotAllowedAwards, BannedClientAgent, DeletedUser, DeletedPartner, KudosUpfront,
│   │                           WorkerMaintenance, LinkRefused
│   └── no more workers         WorkerInviteOnly, TooManyWorkers, TooManyWorkersTrusted, TooManySameIPs
├── Missing 404                 InvalidJobID, RequestNotFound, WorkerNotFound, UserNotFound, TeamNotFound,
│                               StyleNotFound, ObjectNotFound, WebhookDeliveryNotFound
├── IdempotencyKeyConflict 409
├── TooLarge 413
├── TooMany 429                 TooManyPrompts
└── Unavailable 503             NoWorkerNow, NothingMade, Overloaded, StorageFailed

What moderators bring about stands in moderation.py, what sharing kudos and writing to workers does in sharing.py, and
what a kind refuses beside the kind (kinds/image_refusals.py, kinds/text_refusals.py).

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
    """Only trusted users may switch batching off for several results."""


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


class KudosValidationError(BadInput):
    """These kudos cannot be moved."""


class KudosTransferFromAnon(KudosValidationError):
    """The anonymous account cannot give kudos away: it is everybody's."""

    default_hint = "register for a key of your own."


class InvalidTargetUsername(KudosValidationError):
    """There is nobody of this name."""

    default_hint = "a name looks like alias#id, as find_user shows it."


class KudosTransferToAnon(KudosValidationError):
    """Kudos cannot be given to the anonymous account."""


class KudosTransferToSelf(KudosValidationError):
    """Kudos cannot be given to oneself."""


class TooFastKudosTransfers(KudosValidationError):
    """This account sent you kudos less than a minute ago."""

    default_hint = "wait a minute before you send some back."


class FaultWhenKudosSending(KudosValidationError):
    """This account cannot send kudos at the moment."""

    default_hint = "ask a moderator of this horde why."


class SourceAccountFlagged(KudosValidationError):
    """The account that sends is flagged: it cannot move kudos."""

    default_hint = "ask a moderator of this horde why."


class EducationCannotSendKudos(KudosValidationError):
    """Education accounts cannot send kudos."""


class FaultWhenKudosReceiving(KudosValidationError):
    """That account cannot receive kudos at the moment."""


class TargetAccountFlagged(KudosValidationError):
    """The account that shall receive is flagged: it cannot move kudos."""


class NegativeKudosTransfer(KudosValidationError):
    """A negative amount cannot be given."""


class InvalidKudosTransferAmount(KudosValidationError):
    """That amount cannot be given."""


class KudosTransferNotEnough(KudosValidationError):
    """There are not enough kudos for that."""

    default_hint = "what your account keeps as its floor, and what is held for requests, cannot be given away."


class InvalidAwardUsername(KudosValidationError):
    """There is nobody of this name to award kudos to."""

    default_hint = "a name looks like alias#id, as find_user shows it."


class KudosAwardToAnon(KudosValidationError):
    """The anonymous account cannot be awarded kudos."""


class NoUserModSelected(BadInput):
    """Nothing was said that shall be changed of the user."""


class UserNotDeleted(BadInput):
    """This account is not deleted."""


class NoTeamModSelected(BadInput):
    """Nothing was said that shall be changed of the team."""


class TeamNameAlreadyExists(BadInput):
    """There is a team of this name."""

    default_hint = "choose another one; capital and small letters count as the same."


class MaintenanceMode(BadInput):
    """This horde is in maintenance mode: it takes no new requests."""

    default_hint = "what waits is still served; ask again later."


class NoHordeModSelected(BadInput):
    """Nothing was said that shall be changed of how the horde is run."""


class AestheticsNotCompleted(BadInput):
    """Only a request that is done can be rated."""


class AestheticsNotPublic(BadInput):
    """Only shared pictures can be rated, and this server shares none."""


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
    """Only moderators may do this."""


class NotAdmin(Refused):
    """Only admins may do this."""


class AnonForbidden(Refused):
    """The anonymous account may not do this."""

    default_hint = "register for a key of your own."


class AnonForbiddenUserMod(Refused):
    """The anonymous account cannot be changed: it is everybody's."""

    default_hint = "register for a key of your own."


class NonServiceForbidden(Refused):
    """Only service accounts have a passkey for proxies."""


class UntrustedTeamCreation(Refused):
    """Only trusted accounts may found teams."""

    default_hint = "ask the operator of this horde to trust you."


class NotAllowedAwards(Refused):
    """Only who runs this horde may award kudos."""


class BannedClientAgent(Refused):
    """The Client-Agent is the one of the documentation's example."""

    default_hint = "name your own program in it: name:version:contact."


class DeletedUser(Refused):
    """This account is deleted."""


class DeletedPartner(DeletedUser):
    """One of the two accounts is deleted."""

    rc = "DeletedUser"
    status = 400


class AnonForbiddenWorker(Refused):
    """The anonymous account may not run workers here."""

    default_hint = "register for a key of your own."


class KudosUpfront(Refused):
    """Due to the size of this request, its kudos must be there upfront."""


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


class TeamNotFound(Missing):
    """There is no such team."""


class StyleNotFound(Missing):
    """There is no such style."""


class ObjectNotFound(Missing):
    """There is no such file."""


class WebhookDeliveryNotFound(Missing):
    """There is no such delivery of a webhook."""

    default_hint = "deliveries are forgotten after a week."


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
