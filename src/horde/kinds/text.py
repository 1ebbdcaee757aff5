"""Texts: what is refused, what they need of a worker, what they cost and what the worker gets.

Their parameters with bounds stand in text_params.py, the prices in text_price.py.
Source of the payload: contract/api-v2.md, section 4.3; of the rest: contract/lifecycle.md, sections 2, 5 C and 7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import msgspec

from horde.errors import MissingPrompt
from horde.kinds import text_price
from horde.kinds.base import ChargeTerms, Draft, Heavy, Kind, Made, Needs, Unit, told_by_name
from horde.kinds.models import billions_of
from horde.kinds.styles import TEXT_STYLES
from horde.kinds.text_params import TextParams as TextParams
from horde.kinds.text_refusals import (
    ExcessiveStopSequence,
    MissingFullSamplerOrder,
    TokenOverflow,
    TooManyStopSequences,
)
from horde.units import Kudos

NAME = "text"

LENGTH, CONTEXT = "max_length", "max_context_length"
"""The sizes that a worker limits; also the skip keys under which it is told that it fails them."""
VALIDATED = "validated_backends"
"""The one feature: a program that is known to write well with whatever back end it has."""
VALIDATED_AGENTS = frozenset({
    "AI Horde Worker", "AI Horde Worker~aphrodite~oai", "AI Horde Worker~aphrodite~kai", "KoboldCppEmbedWorker",
    "TabbyAPI",
})  # fmt: skip

SAMPLERS_ORDERED = 7
STOP_SEQUENCES_MAX, STOP_CHARACTERS_MAX = 128, 2000
LEASE_S = 150
DEFAULT_SPEED = 1.0
"""Tokens per second of a worker that has delivered nothing yet."""
SLOW_BELOW = 5.0
SLOW_BELOW_OF_BIG = ((20, 3.0), (13, 4.0))
"""(billions of the first model, tokens per second): a worker with a big model may be slower and not count as slow."""


def check(draft: Draft[TextParams]) -> None:
    """Refuse what the bounds of single fields cannot see.

    Raises a BadInput of the contract's own `rc`, in the order of contract/api-v2.md, section 4.1.
    """
    params = draft.params
    if not draft.prompt:
        raise MissingPrompt
    if params.max_length > params.max_context_length:
        raise TokenOverflow(
            f"max_length is {params.max_length}, which is more than max_context_length,"
            f" {params.max_context_length}, of which it is a part."
        )
    if params.sampler_order is not msgspec.UNSET and (named := len(set(params.sampler_order))) < SAMPLERS_ORDERED:
        raise MissingFullSamplerOrder(
            f"sampler_order names {named} different samplers; it has to name all {SAMPLERS_ORDERED}, or be left out."
        )
    stops = params.stop_sequence or []
    if (distinct := len(set(stops))) > STOP_SEQUENCES_MAX:
        raise TooManyStopSequences(f"There are {distinct} stop sequences; at most {STOP_SEQUENCES_MAX} are taken.")
    if (characters := sum(map(len, stops))) > STOP_CHARACTERS_MAX:
        raise ExcessiveStopSequence(
            f"The stop sequences have {characters} characters together; at most {STOP_CHARACTERS_MAX} are taken."
        )


def needs(draft: Draft[TextParams]) -> Needs:
    """The lane in which this draft waits. Whether it is nsfw, or for extra slow workers, parts no texts."""
    params = draft.params
    return Needs(
        kind=NAME,
        models=tuple(sorted(set(draft.models))),
        features=(VALIDATED,) if draft.validated_backends else (),
        sizes=((LENGTH, params.max_length), (CONTEXT, params.max_context_length)),
        trusted_workers=draft.trusted_workers,
        slow_workers=draft.slow_workers,
        workers=tuple(sorted(set(draft.workers))),
        worker_blacklist=draft.worker_blacklist and bool(draft.workers),
    )


def things(params: TextParams) -> int:
    """Tokens of one text, as many as it may have."""
    return params.max_length


def slow_below(models: Sequence[str]) -> float:
    """Tokens per second; the first model that the worker offers tells."""
    if not models:
        return SLOW_BELOW_OF_BIG[0][1]
    billions = billions_of(models[0]) or 1
    return next((speed for least, speed in SLOW_BELOW_OF_BIG if billions >= least), SLOW_BELOW)


def abilities(agent: str) -> frozenset[str]:
    """Whether the program is known to do it well, by its exact name."""
    return frozenset({VALIDATED}) if agent.partition(":")[0] in VALIDATED_AGENTS else frozenset()


def price(_draft: Draft[TextParams]) -> Kudos:
    """Nothing can be said before it is known which model writes, and how much (v2 tells 0, too)."""
    return Kudos(0)


def worth(_price: Kudos, model: str, needs: Needs) -> Kudos:
    """The most that one text for these needs can be worth."""
    sizes = dict(needs.sizes)
    return text_price.worth_most(model, max_length=sizes[LENGTH], max_context_length=sizes[CONTEXT])


def worth_of_made(made: Made[TextParams]) -> Kudos:
    """What a text is worth, now that it is written."""
    return text_price.worth(
        made.model,
        max_length=made.params.max_length,
        max_context_length=made.params.max_context_length,
        prompt_characters=made.prompt_characters,
        text_characters=len(made.text),
        is_validated=VALIDATED in abilities(made.agent),
        is_owner_trusted=made.is_owner_trusted,
    )


def pay_share(_agent: str) -> float:
    """Programs differ in what a text is worth, not in the part of it that they are credited with."""
    return 1.0


def uptime_reward(models: Sequence[str], features: Collection[str], sizes: Mapping[str, int]) -> Kudos:
    """For ten minutes online."""
    is_validated = VALIDATED in features
    return text_price.uptime_reward(models, max_context_length=sizes[CONTEXT], is_validated=is_validated)


def charge_terms(_draft: Draft[TextParams]) -> ChargeTerms:
    """The same for all: neither fast workers nor a list to avoid cost more."""
    return text_price.CHARGE_TERMS


def tax(_draft: Draft[TextParams], *, has_foreign_style: bool = False) -> Kudos:
    """Due once, when the request is accepted."""
    return text_price.tax(has_foreign_style=has_foreign_style)


def estimate(draft: Draft[TextParams]) -> Kudos:
    """What the whole request is expected to cost."""
    params = draft.params
    lengths = {LENGTH: params.max_length, CONTEXT: params.max_context_length}
    return text_price.estimate(draft.models, **lengths, n=draft.n)


def upfront(draft: Draft[TextParams]) -> Kudos:
    """What must be there where the request is heavy."""
    return text_price.required(draft.models, max_length=draft.params.max_length, n=draft.n)


def heavy(draft: Draft[TextParams], *, threads: int, queued: int, upfront_for_lists: bool = False) -> Heavy | None:
    """The first reason why the kudos must be there upfront, if there is one."""
    return text_price.heavy(
        slow_workers=draft.slow_workers,
        workers=draft.workers,
        max_length=draft.params.max_length,
        threads=threads,
        queued=queued,
        upfront_for_lists=upfront_for_lists,
    )


def downgraded(draft: Draft[TextParams], *, threads: int, queued: int) -> Draft[TextParams]:
    """The draft for slow workers too, with no more tokens than are free."""
    length = min(draft.params.max_length, text_price.length_free(threads=threads, queued=queued))
    return replace(draft, slow_workers=True, params=msgspec.structs.replace(draft.params, max_length=length))


def lease_s(_params: TextParams, _models: tuple[str, ...]) -> int:
    """Seconds from the pop to the deadline, however long the text."""
    return LEASE_S


ALWAYS_SENT = (CONTEXT, LENGTH, "min_p", "smoothing_factor", "dynatemp_range", "dynatemp_exponent")


def payload(params: TextParams, prompt: str, _n: int, _seed: int) -> dict[str, object]:
    """What the worker gets: the parameters, each job as one text."""
    return {**msgspec.to_builtins(params), "prompt": prompt, "n": 1}


def idle_payload() -> dict[str, object]:
    """What a worker without a job gets: defaults, never null."""
    sent = msgspec.to_builtins(TextParams())
    return {name: sent[name] for name in ALWAYS_SENT}


def batch_max(_params: TextParams, _sizes: Mapping[str, int], amount: int) -> int:
    """As many as it asked for."""
    return amount


def size_in_words(name: str, tokens: int) -> str:
    """Tokens, and what they are for."""
    return f"{tokens:,} tokens of {'text' if name == LENGTH else 'context'}"


def job_sizes(params: TextParams) -> Mapping[str, int]:
    """What shared keys limit of one text."""
    return {"text_tokens": params.max_length}


KIND = Kind(
    name=NAME,
    params=TextParams,
    check=check,
    needs=needs,
    things=things,
    unit=Unit("tokens", 1),
    default_speed=DEFAULT_SPEED,
    slow_below=slow_below,
    abilities=abilities,
    price=price,
    any_model=text_price.ANY_MODEL,
    worth=worth,
    worth_of_made=worth_of_made,
    pay_share=pay_share,
    uptime_reward=uptime_reward,
    charge_terms=charge_terms,
    tax=tax,
    estimate=estimate,
    upfront=upfront,
    heavy=heavy,
    downgraded=downgraded,
    lease_s=lease_s,
    lease_factor_extra_slow=1,
    payload=payload,
    batch_max=batch_max,
    size_in_words=size_in_words,
    skip_keys_shown=(),
    style=TEXT_STYLES,
    makes_files=False,
    job_sizes=job_sizes,
    result_field="text",
    state_for_webhook=told_by_name,
)
