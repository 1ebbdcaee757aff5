"""The trade of alchemy: forms that tell something of a picture, or make another one of it.

Source: contract/api-v2.md, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec import UNSET

from horde.client import Call, work
from horde.kinds.alchemy import LEASE_S, Form
from horde.wire import v2, v2_alchemy
from horde.wire.faults import FAULTED, REASON_MAX
from horde.worker.backends.base import AlchemyAbilities, Finding, FormOrder
from horde.worker.trades.base import Batch, Fetch, Said, Taken


class Alchemy:
    """Offers what both the back end can and the owner allows. Each form is a batch of its own."""

    kind = "alchemy"
    result = Finding

    def pop(
        self, said: Said, abilities: AlchemyAbilities, held_jobs: Sequence[str], pixels_max: int | None, wait_s: int
    ) -> Call[v2_alchemy.InterrogatePopAnswer]:
        """Ask for one form."""
        offer = v2_alchemy.InterrogatePop(
            name=said.name,
            forms=[cast("Form", form) for form in said.offered(abilities.forms)],
            amount=1,
            bridge_agent=said.agent,
            threads=said.threads,
            priority_usernames=list(said.priority_usernames),
            max_tiles=abilities.tiles_max,
            serves=said.serves,
            held_jobs=list(held_jobs),
        )
        return work.pop_forms(offer, wait_s)

    def read(self, answer: v2_alchemy.InterrogatePopAnswer, said: Said) -> Taken[FormOrder]:
        """As many batches as there are forms."""
        return Taken(batches=[_batch(form) for form in answer.forms or []], skipped=answer.skipped)

    def picture(self, result: Finding) -> bytes | None:
        """What was made of the picture, if it is one."""
        return result.picture

    def deliver(self, job_id: str, result: Finding, place: str | None) -> Call[v2.SubmitAnswer]:
        """Hand in what was found, or where the picture that was made lies."""
        value = result.value if place is None else place
        return work.deliver_form(v2_alchemy.InterrogateSubmit(id=job_id, result={result.form: value}))

    def fault(self, job_id: str, reason: str) -> Call[v2.SubmitAnswer]:
        """The reason stands where the result would; the reference wants one beside the state."""
        result: dict[str, object] = {FAULTED: reason[:REASON_MAX]}
        return work.deliver_form(v2_alchemy.InterrogateSubmit(id=job_id, result=result, state=FAULTED))


def _batch(form: v2_alchemy.PoppedForm) -> Batch[FormOrder]:
    async def prepare(fetch: Fetch) -> FormOrder:
        payload = {} if form.payload is UNSET else form.payload
        return FormOrder(form=form.form, picture=await fetch.picture(form.source_image), payload=payload)

    return Batch(
        job_ids=(form.id,),
        links=(None if form.r2_upload is UNSET else form.r2_upload,),
        lease_s=LEASE_S,
        about=form.form,
        prepare=prepare,
    )
