"""Every `rc` of the contract has a test, or a reason why this server never gives it (api-v2.md, section 1.4)."""

import re
from functools import cache
from pathlib import Path

import pytest

import horde.server.app  # noqa: F401 - so that every refusal is known
from horde.errors import HordeError

TESTS = Path(__file__).parents[2]

PUBLISHED = """
    MissingPrompt CorruptPrompt KudosValidationError NoValidActions InvalidSize InvalidPromptSize TooManySteps Profanity
    ProfaneWorkerName ProfaneBridgeAgent ProfaneWorkerInfo ProfaneUserName ProfaneUserContact ProfaneAdminComment
    ProfaneTeamName ProfaneTeamInfo TooLong TooLongWorkerName TooLongUserName NameAlreadyExists WorkerNameAlreadyExists
    TeamNameAlreadyExists PolymorphicNameConflict ImageValidationFailed SourceImageResolutionExceeded
    SourceImageSizeExceeded SourceImageUrlInvalid SourceImageUnreadable InpaintingMissingMask SourceMaskUnnecessary
    UnsupportedSampler UnsupportedModel ControlNetUnsupported ControlNetSourceMissing ControlNetInvalidPayload
    SourceImageRequiredForModel UnexpectedModelName TooManyUpscalers ProcGenNotFound InvalidAestheticAttempt
    AestheticsNotCompleted AestheticsNotPublic AestheticsDuplicate AestheticsMissing AestheticsSolo AestheticsConfused
    AestheticsAlreadyExist AestheticsServerRejected AestheticsServerError AestheticsServerDown AestheticsServerTimeout
    InvalidAPIKey WrongCredentials NotAdmin NotModerator NotOwner NotPrivileged AnonForbidden AnonForbiddenWorker
    AnonForbiddenUserMod NotTrusted UntrustedTeamCreation UntrustedUnsafeIP WorkerMaintenance WorkerFlaggedMaintenance
    TooManySameIPs WorkerInviteOnly UnsafeIP TimeoutIP TooManyNewIPs KudosUpfront SharedKeyInvalid SharedKeyEmpty
    SharedKeyExpired SharedKeyInsufficientKudos SharedKeyAssignedStyles InvalidJobID RequestNotFound WorkerNotFound
    TeamNotFound FilterNotFound UserNotFound DuplicateGen AbortedGen RequestExpired TooManyPrompts NoValidWorkers
    MaintenanceMode TargetAccountFlagged SourceAccountFlagged FaultWhenKudosReceiving FaultWhenKudosSending
    TooFastKudosTransfers KudosTransferToAnon KudosTransferToSelf KudosTransferNotEnough NegativeKudosTransfer
    KudosTransferFromAnon InvalidAwardUsername KudosAwardToAnon NotAllowedAwards NoWorkerModSelected NoUserModSelected
    NoHordeModSelected NoTeamModSelected NoFilterModSelected NoSharedKeyModSelected BadRequest Forbidden Locked
    ControlNetMismatch HiResFixMismatch TooManyLoras BadLoraVersion TooManyTIs BetaAnonForbidden BetaComparisonFault
    BadCFGDecimals BadCFGNumber BadClientAgent SpecialMissingPayload SpecialForbidden SpecialMissingUsername
    SpecialModelNeedsSpecialUser SpecialFieldNeedsSpecialUser Img2ImgMismatch TilingMismatch EducationCannotSendKudos
    InvalidPriorityUsername OnlyServiceAccountProxy RequiresTrust InvalidRemixModel InvalidExtraSourceImages
    TooManyExtraSourceImages MissingFullSamplerOrder TooManyStopSequences ExcessiveStopSequence TokenOverflow
    MoreThanMinExtraSourceImage InvalidExtraTexts MissingExtraTexts InvalidTransparencyModel InvalidTransparencyImg2Img
    InvalidTransparencyCN HiResMismatch StylesAnonForbidden StylePromptMissingVars StylesRequiresCustomizer
    StyleMismatch StyleGetMistmatch TooManyStyleExamples ExampleURLAlreadyInUse MessagesOnlyOwnWorkers NotUserOrMod
    CannotDeleteMod UserNotDeleted DeletedUser CannotWipeActiveUser NonServiceForbidden NulByteInPayload
"""
"""The contract's own list, in its order."""
LISTED = PUBLISHED.split()
UNLISTED = [
    "BannedClientAgent", "ControlNetInpaintingMismatch", "InvalidRemix", "TooManyWorkers", "TooManyWorkersTrusted",
    "AnonForbiddenUser", "InvalidTargetUsername", "InvalidKudosTransferAmount", "IdempotencyKeyConflict",
    "StyleNotFound", "Image styleNotFound", "Text styleNotFound", "Style exampleNotFound", "CollectionNotFound",
    "WorkermessageNotFound", "TooManyExtraSourceImages.", "MoreThanMinExtraSourceImage.", "InvalidExtraSourceImages.",
    "InvalidExtraTexts.", "MissingExtraTexts.", "ControlNetMismatch.",
]  # fmt: skip
"""Given by the reference although not in that list."""

DOTTED = "on the wire it has a dot at its end, as in the reference"
BASE = "stands for a family; only its members are given"
SCHEMA = "the schema's bounds refuse it before, without a code"
NO_PROFANITY = "no list of words is named, and none fits every language (docs/decisions/deviations.md)"
NOTHING_SHARED = "nothing is shared here, so nothing can be rated (docs/decisions/deviations.md)"
GENERIC = "on the wire it is BadRequest or Forbidden, as in the reference"
NO_REPUTATION = "no service is asked what it thinks of addresses; the contract makes it optional"
UNNAMED = "the contract lists it and names no call that gives it"
NEVER = {
    **dict.fromkeys(["KudosValidationError", "NoValidActions", "TooLong", "NameAlreadyExists", "NotTrusted"], BASE),
    **dict.fromkeys(["InvalidSize", "TooManySteps", "UnsupportedSampler", "TooLongWorkerName"], SCHEMA),
    **{rc: NO_PROFANITY for rc in LISTED if rc.startswith("Profan")},
    **{
        rc: NOTHING_SHARED
        for rc in LISTED
        if rc.startswith(("Aesthetics", "InvalidAesthetic", "ProcGen"))
        and rc not in ("AestheticsNotCompleted", "AestheticsNotPublic")
    },
    **dict.fromkeys(
        [
            "SharedKeyInvalid", "StyleMismatch", "StyleGetMistmatch", "SpecialFieldNeedsSpecialUser",
            "StylePromptMissingVars", "ExampleURLAlreadyInUse", "SpecialModelNeedsSpecialUser", "SpecialForbidden",
            "TooManyStyleExamples",
        ],
        GENERIC,
    ),
    **dict.fromkeys(
        [
            "InvalidExtraSourceImages", "TooManyExtraSourceImages", "MoreThanMinExtraSourceImage", "InvalidExtraTexts",
            "MissingExtraTexts",
        ],
        DOTTED,
    ),
    **dict.fromkeys(["UntrustedUnsafeIP", "UnsafeIP", "TooManyNewIPs"], NO_REPUTATION),
    **dict.fromkeys(
        ["NotPrivileged", "HiResFixMismatch", "BadClientAgent", "Img2ImgMismatch", "TilingMismatch",
         "InvalidRemixModel"],
        UNNAMED,
    ),
    "UnsupportedModel": "any name may be served, and asked for (docs/decisions/models-need-no-reference.md)",
    "ControlNetInvalidPayload": "it is about a parameter that is not published, and is left out here",
    "RequestExpired": "only the retired call that waited gave it",
    "NoValidWorkers": "what nobody can do now is taken, with a warning",
    "Locked": "a worker is removed also while it has a job, which may still be delivered",
    "BadCFGNumber": "JSON has no numbers that are none; what is too big is out of the schema's bounds",
    "BetaAnonForbidden": "about a retired model; the contract lets it be left out",
    "BetaComparisonFault": "about a retired model; the contract lets it be left out",
}  # fmt: skip
"""What this server never gives, and why."""


@cache
def _tests() -> str:
    return "\n".join(path.read_text() for path in sorted(TESTS.rglob("*.py")) if path != Path(__file__))


@cache
def _given() -> dict[str, set[str]]:
    """Every rc that this server knows, with the names of its classes."""
    found: dict[str, set[str]] = {}
    classes: list[type[HordeError]] = [HordeError]
    for known in classes:
        found.setdefault(known.rc, set()).add(known.__name__)
        classes += known.__subclasses__()
    return found


def _is_tested(rc: str) -> bool:
    """Whether a test reads it in an answer, or expects the refusal that has it."""
    names = "|".join(re.escape(name) for name in _given().get(rc, {rc}))
    return bool(re.search(rf'"{re.escape(rc)}"|raises\([^)]*\b({names})\b|[(\[ ]({names})[)\],]', _tests()))


@pytest.mark.parametrize("rc", [rc for rc in [*LISTED, *UNLISTED] if rc not in NEVER])
def test_rc_of_the_contract_is_given_and_tested(rc: str) -> None:
    assert rc in _given(), "say under NEVER why this server does not give it"
    assert _is_tested(rc), "no test names it"


@pytest.mark.parametrize("rc", sorted(NEVER))
def test_rc_that_is_never_given_is_in_no_refusal(rc: str) -> None:
    assert rc in LISTED
    assert NEVER[rc] == BASE or rc not in _given(), "it is given now, so it needs a test"
