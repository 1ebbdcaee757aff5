"""Between the messages of v2 for alchemy and the words of the engine."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from horde.errors import BadInput, InvalidPriorityUsername
from horde.kinds import alchemy
from horde.kinds.alchemy_price import POST_PROCESSING
from horde.kinds.base import Draft, Webhook
from horde.server.api.v2 import translate
from horde.server.context import Context
from horde.server.requests.forms import Forms
from horde.server.requests.groups import GroupStatus, Part
from horde.server.requests.lease import Popped
from horde.server.requests.orders import Accepted
from horde.server.requests.pop import Ask, Idle
from horde.server.requests.results import Delivery
from horde.server.storage.objects import job_key, source_key
from horde.server.workers.checkin import CheckIn
from horde.server.workers.roster import OfferTerms
from horde.wire import v2_alchemy
from horde.wire.faults import FAULTED, REASON_MAX

AMOUNT_MAX = 20
"""Forms that a worker gets at once: each is a look into the queue."""
RESULT_CHARACTERS_MAX = 200_000
"""A result is kept with its form until the request is forgotten; an interrogation has some thousands."""
OFFERED = "forms"
"""The skip key of forms that the worker does not offer, which other kinds count under `models`."""


def forms(body: v2_alchemy.InterrogateAsync, client_agent: str, *, webhook: Webhook | None = None) -> Forms:
    """What is asked for."""
    drafts = [
        Draft(
            kind=alchemy.NAME,
            prompt="",
            params=alchemy.AlchemyParams(form=form.name, payload=form.payload),
            models=(form.name,),
            nsfw=False,
            censor_nsfw=False,
            trusted_workers=body.trusted_workers,
            slow_workers=body.slow_workers,
            client_agent=client_agent,
            webhook=webhook,
        )
        for form in body.forms
    ]
    return Forms(drafts=drafts, source=body.source_image)


def accepted(request: Accepted, *, tells_nobody: bool) -> v2_alchemy.InterrogateAccepted:
    """Under which id it waits, with a message where nobody can do all of it now, if that is told."""
    message = translate.NOBODY_NOW if tells_nobody and not request.is_possible else None
    return v2_alchemy.InterrogateAccepted(request.id, message)


def ask(body: v2_alchemy.InterrogatePop, address: str) -> Ask:
    """What a worker offers and asks for, and from where (empty: not known). Raises BadInput for a wrong alias."""
    try:
        first_users = translate.first_users(body)
    except InvalidPriorityUsername as refusal:
        # For alchemy it has no code of its own (contract/api-v2.md, section 5.3).
        raise BadInput(refusal.message, hint=refusal.hint) from refusal
    terms = OfferTerms(
        features=[],
        sizes={alchemy.TILES: body.max_tiles},
        nsfw=False,
        is_extra_slow=False,
        flags={},
        serves=body.serves,
    )
    said = CheckIn(
        name=body.name,
        kind=alchemy.NAME,
        agent=body.bridge_agent,
        models=tuple(dict.fromkeys(body.forms)),
        threads=body.threads,
        terms=terms,
        address=address,
    )
    return Ask(
        said=said,
        amount=1,
        requests=min(body.amount, AMOUNT_MAX),
        first_users=first_users,
        blacklist=(),
        held_jobs=translate.held_jobs(body),
    )


def popped(ctx: Context, answer: list[Popped] | Idle, base_url: str) -> v2_alchemy.InterrogatePopAnswer:
    """Forms with links to the picture and for uploads, or the reasons why there are none."""
    if isinstance(answer, Idle):
        skipped = {OFFERED if key == "models" else key: count for key, count in answer.skipped.items() if count}
        return v2_alchemy.InterrogatePopAnswer(skipped=skipped)
    return v2_alchemy.InterrogatePopAnswer(forms=[_form(ctx, job, base_url) for job in answer])


def _form(ctx: Context, job: Popped, base_url: str) -> v2_alchemy.PoppedForm:
    [job_id] = job.job_ids
    sources = job.sources
    assert sources is not None, "no form is asked for without a picture"
    sign = ctx.services.signer.link
    source = sources.url or sign(base_url, "GET", source_key(sources.of_group), now=ctx.now)
    upload = sign(base_url, "PUT", job_key(job_id), now=ctx.now) if job.model in POST_PROCESSING else UNSET
    payload = msgspec.convert(job.payload.get("payload", {}), dict[str, str])
    return v2_alchemy.PoppedForm(
        id=job_id, form=job.model, source_image=source, payload=payload or UNSET, r2_upload=upload
    )


def fault_reason(body: v2_alchemy.InterrogateSubmit) -> str:
    """Why the worker gives the form back; empty where it does not say."""
    reason = None if body.result is UNSET else body.result.get(FAULTED)
    return reason[:REASON_MAX] if isinstance(reason, str) else ""


def delivery(body: v2_alchemy.InterrogateSubmit) -> Delivery:
    """A result. Raises BadInput for one that is missing, or too long to be kept."""
    if body.result is UNSET:
        raise BadInput("A form that was done has a result.", hint="send `result`, or `state: faulted`.")
    result = msgspec.json.encode(body.result).decode()
    if len(result) > RESULT_CHARACTERS_MAX:
        raise BadInput(f"The result has {len(result):,} characters; up to {RESULT_CHARACTERS_MAX:,} are taken.")
    return Delivery(job_id=body.id, kind=alchemy.NAME, text=result, state="ok", seed=0, gen_metadata=[])


def status(ctx: Context, found: GroupStatus, base_url: str) -> v2_alchemy.InterrogateStatus:
    """How far it is, with the results that are there; links are fresh at every call."""
    return v2_alchemy.InterrogateStatus(found.stands, [_part(ctx, found, part, base_url) for part in found.parts])


def _part(ctx: Context, found: GroupStatus, part: Part, base_url: str) -> v2_alchemy.FormStatus:
    explanation = found.explanations.get(part.id)
    answer = v2_alchemy.FormStatus(form=str(part.params["form"]), state=part.stands, explanation=explanation)
    if part.stands == "done":
        assert part.model is not None, "what is done was done as something"
        text = part.result_text or "{}"
        link = ctx.services.signer.link(base_url, "GET", job_key(str(part.job_id)), now=ctx.now)
        answer.result = alchemy.result_of(text) | dict.fromkeys(alchemy.uploads(part.model, text), link)
        answer.worker_id, answer.worker_name = str(part.worker_id), part.worker_name
    return answer
