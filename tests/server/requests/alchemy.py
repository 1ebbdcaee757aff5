"""What tests of alchemy do again and again: forms asked for, taken and handed in."""

import base64
from dataclasses import replace
from typing import Any

import msgspec

from horde.kinds.alchemy import AlchemyParams
from horde.kinds.base import Draft
from horde.server.accounts.users import User
from horde.server.context import Context
from horde.server.idempotency.keys import Key
from horde.server.requests.deliver import deliver
from horde.server.requests.forms import Forms, submit_forms
from horde.server.requests.groups import GroupStatus, group_status
from horde.server.requests.lease import Popped
from horde.server.requests.pop import Idle, pop_several
from horde.server.requests.results import Delivery, Paid
from tests.server import builders

PICTURE = base64.b64encode(builders.picture()).decode()
CAPTION = {"caption": "a fox"}
FORMS = ("caption", "nsfw", "interrogation")
SAID: dict[str, Any] = {"kind": "alchemy", "models": FORMS, "sizes": {"max_tiles": 80}, "nsfw": False}
"""What a worker says that can do the forms above."""


def forms(*names: Any, source: str = PICTURE, **changes: Any) -> Forms:
    """These forms of a small picture."""
    plain = Draft(kind="alchemy", prompt="", params=AlchemyParams(), nsfw=False, censor_nsfw=False)
    drafts = [replace(plain, params=AlchemyParams(form=name), models=(name,), **changes) for name in names]
    return Forms(drafts=drafts, source=source)


async def asked(ctx: Context, requestor: User, *names: Any, key: Key | None = None, **changes: Any) -> str:
    """The id of a request for these forms."""
    return (await submit_forms(ctx, requestor, forms(*names, **changes), key)).id


async def taken(ctx: Context, owner: User, amount: int = 1, **changes: Any) -> list[Popped]:
    """Forms, as many as there are up to `amount`."""
    found = await pop_several(ctx, owner, replace(builders.ask(**(SAID | changes)), requests=amount))
    return [] if isinstance(found, Idle) else found


async def took(ctx: Context, owner: User, **changes: Any) -> str:
    """The id of the one form that was handed out."""
    [form] = await taken(ctx, owner, **changes)
    [job_id] = form.job_ids
    return job_id


async def delivered(ctx: Context, owner: User, job_id: str, result: object = CAPTION) -> Paid:
    """What a form brought."""
    text = msgspec.json.encode(result).decode()
    return await deliver(
        ctx, owner, Delivery(job_id=job_id, kind="alchemy", text=text, state="ok", seed=0, gen_metadata=[])
    )


async def status(ctx: Context, request_id: str) -> GroupStatus:
    """How far a request is."""
    return await group_status(ctx, request_id, kind="alchemy")


async def states(ctx: Context, request_id: str) -> list[str]:
    """How far each of its forms is."""
    return [part.stands for part in (await status(ctx, request_id)).parts]
