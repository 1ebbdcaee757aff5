"""The trade of texts. Source: contract/api-v2.md, section 4."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from horde.client import Call, work
from horde.wire import faults, v2, v2_text
from horde.worker.backends.base import Text, TextAbilities, TextOrder
from horde.worker.trades.base import LEASE_S_DEFAULT, Batch, Fetch, Said, Taken

TEXTS_MAX = 20
"""The most that a pop may ask for at once; a batch has one prompt, so it costs little more than one text."""


class Payload(msgspec.Struct):
    """What every text job says; the rest is for back ends that know more."""

    prompt: str
    max_length: int = 80
    max_context_length: int = 2048


class Texts:
    """Offers what both the back end can and the owner allows."""

    kind = "text"
    result = Text

    def pop(
        self, said: Said, abilities: TextAbilities, held_jobs: Sequence[str], pixels_max: int | None, wait_s: int
    ) -> Call[v2_text.TextPopAnswer]:
        """Ask for a batch of texts."""
        offer = v2_text.TextPop(
            name=said.name,
            models=said.offered(abilities.models),
            bridge_agent=said.agent,
            threads=said.threads,
            amount=TEXTS_MAX,
            nsfw=said.nsfw,
            priority_usernames=list(said.priority_usernames),
            max_length=min(abilities.tokens_max, said.max_tokens or abilities.tokens_max),
            max_context_length=min(abilities.context_max, said.max_context or abilities.context_max),
            softprompts=list(abilities.softprompts),
            require_upfront_kudos=said.require_upfront_kudos,
            extra_slow_worker=said.extra_slow_worker,
            serves=said.serves,
            held_jobs=list(held_jobs),
        )
        return work.pop_texts(offer, wait_s)

    def read(self, answer: v2_text.TextPopAnswer, said: Said) -> Taken[TextOrder]:
        """At most one batch: all its texts are of one request."""
        ids = answer.ids or ([answer.id] if answer.id else [])
        if not ids:
            return Taken(messages=answer.messages, skipped=answer.skipped)
        try:
            order = order_of(answer, len(ids))
        except msgspec.ValidationError:
            return Taken(unreadable=ids, messages=answer.messages, skipped=answer.skipped)

        async def prepare(_: Fetch) -> TextOrder:
            return order

        batch = Batch(
            job_ids=tuple(ids),
            links=(None,) * len(ids),
            lease_s=LEASE_S_DEFAULT if answer.ttl is None else answer.ttl,
            about=f"{order.model}, up to {order.tokens} tokens",
            prepare=prepare,
        )
        return Taken(batches=[batch], messages=answer.messages, skipped=answer.skipped)

    def picture(self, result: Text) -> bytes | None:
        """There is none."""
        return None

    def deliver(self, job_id: str, result: Text, place: str | None) -> Call[v2.SubmitAnswer]:
        """Hand the text in."""
        return work.deliver_text(
            v2_text.TextSubmit(id=job_id, generation=result.text, seed=result.seed, state=result.state)
        )

    def fault(self, job_id: str, reason: str) -> Call[v2.SubmitAnswer]:
        """The reason stands where the text would."""
        return work.deliver_text(v2_text.TextSubmit(id=job_id, generation=faults.text_of(reason), state=faults.FAULTED))


def order_of(answer: v2_text.TextPopAnswer, texts: int) -> TextOrder:
    """What a pop wants written. Raises msgspec.ValidationError for a payload that cannot be read."""
    payload = msgspec.convert(answer.payload, Payload, strict=False)
    return TextOrder(
        model=answer.model or "",
        prompt=payload.prompt,
        tokens=payload.max_length,
        context=payload.max_context_length,
        texts=texts,
        payload=answer.payload,
    )
