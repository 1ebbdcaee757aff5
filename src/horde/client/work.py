"""The calls of a worker as data, for each kind of work: ask for jobs, hand results in.

    answer = await horde.call(work.pop_images(offer, wait_s=25))

A pop is repeatable for a worker that names its held jobs: a job whose answer was lost goes back to the queue at the
next one. A delivery is repeatable: the server takes a job once and answers DuplicateGen after that.
"""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote

import msgspec

from horde.client._calls import V2, Call
from horde.wire import native, v2, v2_alchemy, v2_text

A = TypeVar("A")


def pop_images(offer: v2.Pop, wait_s: int) -> Call[v2.PopAnswer]:
    """Ask for pictures to make; the server may hold the call for `wait_s` seconds until there are some (RFC 7240)."""
    return _pop("generate/pop", offer, v2.PopAnswer, wait_s, names_jobs=offer.held_jobs is not msgspec.UNSET)


def pop_texts(offer: v2_text.TextPop, wait_s: int) -> Call[v2_text.TextPopAnswer]:
    """The same for texts."""
    names_jobs = offer.held_jobs is not msgspec.UNSET
    return _pop("generate/text/pop", offer, v2_text.TextPopAnswer, wait_s, names_jobs=names_jobs)


def pop_forms(offer: v2_alchemy.InterrogatePop, wait_s: int) -> Call[v2_alchemy.InterrogatePopAnswer]:
    """The same for forms of alchemy."""
    names_jobs = offer.held_jobs is not msgspec.UNSET
    return _pop("interrogate/pop", offer, v2_alchemy.InterrogatePopAnswer, wait_s, names_jobs=names_jobs)


def deliver_image(result: v2.Submit) -> Call[v2.SubmitAnswer]:
    """Hand a picture in, or say that there will be none."""
    return _deliver("generate/submit", result)


def deliver_text(result: v2_text.TextSubmit) -> Call[v2.SubmitAnswer]:
    """The same for a text."""
    return _deliver("generate/text/submit", result)


def deliver_form(result: v2_alchemy.InterrogateSubmit) -> Call[v2.SubmitAnswer]:
    """The same for a form."""
    return _deliver("interrogate/submit", result)


def tell_progress(job_id: str, told: native.ToldProgress) -> Call[native.ProgressHeard]:
    """Say how far a job is; only Stable Hordes know this. Not repeated: a moment later there is more to say."""
    path = f"/api/jobs/{quote(job_id, safe='')}/progress"
    return Call(method="POST", path=path, body=told, answer=native.ProgressHeard, is_repeatable=False)


def _pop(path: str, offer: msgspec.Struct, answer: type[A], wait_s: int, *, names_jobs: bool) -> Call[A]:
    return Call(
        method="POST",
        path=f"{V2}/{path}",
        body=offer,
        answer=answer,
        headers={"Prefer": f"wait={wait_s}"} if wait_s else {},
        is_repeatable=names_jobs,
        hold_s=wait_s,
    )


def _deliver(path: str, result: msgspec.Struct) -> Call[v2.SubmitAnswer]:
    return Call(method="POST", path=f"{V2}/{path}", body=result, answer=v2.SubmitAnswer, is_repeatable=True)
