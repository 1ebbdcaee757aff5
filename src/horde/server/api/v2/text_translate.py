"""Between the messages of v2 for texts and the words of the engine."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from horde.errors import BadInput, InvalidExtraSourceImages
from horde.kinds import text
from horde.kinds.base import Draft, Webhook
from horde.server.accounts.users import User
from horde.server.api.v2 import translate
from horde.server.requests.lease import Popped
from horde.server.requests.pop import Ask, Idle
from horde.server.requests.read import Result, Status
from horde.server.requests.results import Delivery
from horde.server.workers.checkin import CheckIn
from horde.server.workers.roster import OfferTerms
from horde.wire import v2_text

MODELS_MAX = 200
"""Models of one worker beyond these are not looked at (contract/api-v2.md, section 4.3)."""
OF_A_USER = "::"
"""What stands between a model's name and the user it belongs to."""
CSAM = v2_text.TextMetadata(type="censorship", value="csam")


def draft(
    body: v2_text.TextAsync, client_agent: str, *, address: str = "", webhook: Webhook | None = None
) -> Draft[text.TextParams]:
    """What is asked for.

    Raises a BadInput for what this server cannot do (yet): a request is never accepted and then done differently.
    """
    if body.extra_source_images:
        raise InvalidExtraSourceImages("Texts are written without pictures.", hint="leave `extra_source_images` out.")
    return Draft(
        kind=text.NAME,
        prompt=body.prompt,
        params=body.params,
        n=body.params.n,
        models=tuple(body.models),
        nsfw=False,
        censor_nsfw=False,
        trusted_workers=body.trusted_workers,
        validated_backends=body.validated_backends,
        slow_workers=body.slow_workers,
        workers=tuple(body.workers),
        worker_blacklist=body.worker_blacklist,
        disable_batching=body.disable_batching,
        allow_downgrade=body.allow_downgrade,
        client_agent=client_agent,
        address=address,
        webhook=webhook,
        proxied_account=None if body.proxied_account is UNSET else body.proxied_account,
    )


def ask(body: v2_text.TextPop, user: User, address: str) -> Ask:
    """What a worker offers and asks for, and from where (empty: not known).

    Raises InvalidPriorityUsername, and BadInput for a model that belongs to another user.
    """
    first_users = translate.first_users(body)
    models = tuple(dict.fromkeys(body.models))[:MODELS_MAX]
    for model in models:
        _, separator, alias = model.partition(OF_A_USER)
        if separator and OF_A_USER not in alias and alias != user.alias:
            raise BadInput(
                f"The model {model[:80]!r} belongs to {alias[:80]!r}, and this worker to {user.alias!r}.",
                hint="offer it without what follows `::`, or under your own name.",
            )
    terms = OfferTerms(
        features=sorted(text.abilities(body.bridge_agent)),
        sizes={text.LENGTH: body.max_length, text.CONTEXT: body.max_context_length},
        nsfw=body.nsfw,
        is_extra_slow=False,
        flags={},
        serves=body.serves,
    )
    said = CheckIn(
        name=body.name,
        kind=text.NAME,
        agent=body.bridge_agent,
        models=models,
        threads=body.threads,
        terms=terms,
        address=address,
    )
    return Ask(
        said=said,
        amount=body.amount,
        first_users=first_users,
        blacklist=(),
        held_jobs=translate.held_jobs(body),
    )


def popped(answer: Popped | Idle) -> v2_text.TextPopAnswer:
    """Jobs, or the reasons why there are none."""
    if isinstance(answer, Idle):
        return v2_text.TextPopAnswer(
            payload=text.idle_payload(), skipped=answer.skipped, messages=translate.messages(answer)
        )
    return v2_text.TextPopAnswer(
        payload=answer.payload,
        id=answer.job_ids[0],
        ids=answer.job_ids,
        model=answer.model,
        ttl=answer.lease_s,
        messages=translate.messages(answer),
    )


def delivery(body: v2_text.TextSubmit) -> Delivery:
    """A result. A remark that it is csam, or the state that says so, has the other with it.

    Raises BadInput for too many remarks.
    """
    translate.refuse_many(body.gen_metadata)
    assert body.state != "faulted", "what was not written is not delivered"
    remarks = body.gen_metadata or ([CSAM] if body.state == "csam" else [])
    return Delivery(
        job_id=body.id,
        kind=text.NAME,
        text=body.generation,
        state="csam" if remarks else body.state,
        seed=body.seed,
        gen_metadata=msgspec.to_builtins(remarks),
    )


def status(found: Status) -> v2_text.TextStatusAnswer:
    """How far it is, with its texts."""
    progress = msgspec.structs.asdict(translate.check(found.progress))
    return v2_text.TextStatusAnswer(**progress, generations=[_generation(result) for result in found.results])


def _generation(result: Result) -> v2_text.TextGeneration:
    return v2_text.TextGeneration(
        worker_id=str(result.worker_id),
        worker_name=result.worker_name,
        model=result.model,
        state=result.result_state,
        text=result.result_text or "",
        seed=result.seed,
        gen_metadata=msgspec.convert(result.gen_metadata, list[v2_text.TextMetadata]),
    )
