"""What a text is worth, what its requestor pays, and which texts are only written for who can pay all of them.

Plain functions of plain arguments; text.py makes a kind of them. Source: contract/kudos.md, sections 3 to 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2
from typing import Final

from horde.kinds.base import ChargeTerms, Heavy
from horde.kinds.models import billions_of
from horde.units import Kudos, hundredths, kudos

CHARACTERS_PER_TOKEN, TOKENS_LEAST = 4, 20
"""Tokens are not counted but reckoned, so that server and requestor can agree on them without the model."""
CONTEXT_LEAST, CONTEXT_MOST = 1.2, 30.0
CONTEXT_GROWTH, CONTEXT_TOKENS = 2.2, 1024
"""Twice the context makes what it adds 2.2 times as much; 1,024 tokens add 1."""

BIG_FROM_BILLIONS, BIG_EXPONENT = 13.0, 0.2
"""A model of more billions is worth a little more for each of them."""
WORTH_DIVISOR, ESTIMATE_DIVISOR = 125, 100
UNVALIDATED = 0.3
"""The share of who serves by a back end that is not validated."""
PER_TOKEN_OF_UNKNOWN = 0.027
ANY_MODEL_BILLIONS = 13
"""The size of model that an estimate supposes where any will do."""
ANY_MODEL = f"any model of {ANY_MODEL_BILLIONS}B"

CHARGE_TERMS: Final = ChargeTerms(factor=1.0, extra=kudos(1))
TAX, TAX_FOR_STYLE = kudos(1), kudos(2)

LENGTH_IDLE, LENGTH_PER_THREAD, LENGTH_PER_JOB = 512, 5, 0.9
LENGTH_LEAST, LENGTH_MOST = 256, 512
REQUIRED_OF_ANY_MODEL, REQUIRED_DIVISOR = 20, 21

UPTIME, UPTIME_PER_CONTEXT, UPTIME_CONTEXT_MOST = 25, 15, 262_144
UPTIME_BILLIONS, UPTIME_SHARE_LEAST, UPTIME_SHARE_OF_UNKNOWN = 7, 0.25, 0.5
"""The bigger its first model, the more a worker gets for being online: a model of 7 billions is the measure."""


def worth(
    model: str,
    *,
    max_length: int,
    max_context_length: int,
    prompt_characters: int,
    text_characters: int,
    is_validated: bool,
    is_owner_trusted: bool,
) -> Kudos:
    """What one delivered text is worth; nothing was written for a job that was cancelled, so it is worth nothing.

    The context counts as far as the model reads it (`max_context_length`). A model whose size is not known earns by
    the word, or, where nobody trusts its owner, always the same.
    """
    tokens = min(max_length, _tokens(text_characters))
    if tokens == 0:
        return Kudos(0)
    context = context_factor(min(max_context_length, _tokens(prompt_characters)))
    billions = billions_of(model)
    if billions is not None:
        share = 1.0 if is_validated else UNVALIDATED
        return hundredths(tokens * _by_size(billions) / WORTH_DIVISOR * share * context)
    return hundredths(tokens * context * PER_TOKEN_OF_UNKNOWN if is_owner_trusted else CONTEXT_LEAST)


def worth_most(model: str, *, max_length: int, max_context_length: int) -> Kudos:
    """The most that a text can turn out to be worth: all tokens, all the context, whoever writes it."""
    context = context_factor(max_context_length)
    billions = billions_of(model)
    if billions is None:
        return hundredths(max(max_length * context * PER_TOKEN_OF_UNKNOWN, CONTEXT_LEAST))
    return hundredths(max_length * _by_size(billions) / WORTH_DIVISOR * context)


def context_factor(tokens: int) -> float:
    """How much dearer a text is for what has to be read before it; 1.2 to 30."""
    grown = CONTEXT_GROWTH ** log2(tokens / CONTEXT_TOKENS) if tokens > 0 else 0.0
    return min(CONTEXT_LEAST + grown, CONTEXT_MOST)


def tax(*, has_foreign_style: bool = False) -> Kudos:
    """Due once, when a request is accepted; a style of one's own costs nothing."""
    return Kudos(TAX + (TAX_FOR_STYLE if has_foreign_style else 0))


def estimate(models: Sequence[str], *, max_length: int, max_context_length: int, n: int) -> Kudos:
    """What a request is expected to cost if the first of its models writes all it may, with all the context it may."""
    context = context_factor(max_context_length)
    billions = billions_of(models[0]) if models else ANY_MODEL_BILLIONS
    if billions is None:
        job = worth_most(models[0], max_length=max_length, max_context_length=max_context_length)
    else:
        job = hundredths(max_length * _by_size(billions) / ESTIMATE_DIVISOR * context)
    return Kudos(CHARGE_TERMS.of(job) * n + TAX)


def required(models: Sequence[str], *, max_length: int, n: int) -> Kudos:
    """What the requestor of a heavy request must have; a model whose size is not known counts as one billion."""
    if not models:
        return kudos(REQUIRED_OF_ANY_MODEL * n)
    largest = max(billions_of(model) or 1 for model in models)
    return Kudos(hundredths(max_length * largest / REQUIRED_DIVISOR) * n)


def length_free(*, threads: int, queued: int) -> int:
    """The tokens that anybody may ask for: fewer as jobs wait, more with the workers online."""
    length = LENGTH_IDLE + LENGTH_PER_THREAD * threads - round(LENGTH_PER_JOB * queued)
    return min(max(length, LENGTH_LEAST), LENGTH_MOST)


def heavy(
    *,
    slow_workers: bool,
    workers: Sequence[str],
    max_length: int,
    threads: int,
    queued: int,
    upfront_for_lists: bool = False,
) -> Heavy | None:
    """The first reason why the kudos must be there upfront, if there is one.

    A downgrade is for slow workers too, and of `length_free` tokens at most.
    """
    if upfront_for_lists and workers:
        return Heavy(f"It is only for a list of {len(workers)} workers.", may_downgrade=False)
    if not slow_workers:
        return Heavy("It is only for fast workers (`slow_workers` is false).")
    free = length_free(threads=threads, queued=queued)
    if max_length > free:
        return Heavy(f"It asks for {max_length} tokens, and at this load up to {free} are free.")
    return None


def uptime_reward(models: Sequence[str], *, max_context_length: int, is_validated: bool) -> Kudos:
    """For ten minutes online: the more context, and the bigger the first model, the more."""
    reward = UPTIME + UPTIME_PER_CONTEXT * min(max_context_length, UPTIME_CONTEXT_MOST) / CONTEXT_TOKENS
    billions = billions_of(models[0]) if models else None
    if billions is None:
        return hundredths(reward * UPTIME_SHARE_OF_UNKNOWN)
    share = 1.0 if is_validated else UNVALIDATED
    return hundredths(reward * share * max(billions / UPTIME_BILLIONS, UPTIME_SHARE_LEAST))


def _by_size(billions: float) -> float:
    return float((max(billions, BIG_FROM_BILLIONS) / BIG_FROM_BILLIONS) ** BIG_EXPONENT * billions)


def _tokens(characters: int) -> int:
    return max(TOKENS_LEAST, ceil(characters / CHARACTERS_PER_TOKEN)) if characters else 0
