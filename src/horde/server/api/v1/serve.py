"""The side of the servers, which are called workers elsewhere. Source: contract/api-v1.md, section 3.

A server of v1 says nothing of models or abilities: there was one model then, and it is taken to be able to do plain
pictures of that one.
"""

from __future__ import annotations

from litestar import MediaType, Response, Router, post

from horde.errors import InvalidPriorityUsername
from horde.kinds import image
from horde.kinds.agents import capabilities
from horde.kinds.seeds import folded, seed_number
from horde.server.accounts.keys import ANONYMOUS_KEY, authenticate
from horde.server.accounts.users import id_of_alias
from horde.server.api.connection import AnyRequest, Ctx, IdempotencyKey, address_of, idempotency_key
from horde.server.api.v1.arguments import BARE_TEXTS, NUMBER, TEXT, TEXTS, arguments, taking
from horde.server.requests.deliver import deliver
from horde.server.requests.pop import Ask, Idle, pop
from horde.server.requests.results import Delivery
from horde.server.storage.pictures import from_base64
from horde.server.workers.checkin import CheckIn
from horde.server.workers.roster import OfferTerms
from horde.units import kudos_on_the_wire
from horde.wire import v1_servers

MODEL = "stable_diffusion"
"""The one model of that time; also what a request of v2 asks for that names none."""
AGENT = "unknown:0:unknown"
SKIP_KEYS = ("max_pixels", "worker_id")

DescribedPop = taking(
    {"api_key": TEXT, "name": TEXT, "max_pixels": NUMBER, "priority_usernames": TEXTS},
    example={"api_key": ANONYMOUS_KEY, "name": "My server"},
)
DescribedSubmit = taking(
    {"id": TEXT, "api_key": TEXT, "generation": TEXT, "seed": TEXT},
    example={"id": "6f1c7a52-66b7-4a35-9d0e-7d3f1a1c0b2a", "api_key": ANONYMOUS_KEY, "seed": "1"},
)


@post("/pop", operation_class=DescribedPop, status_code=200, media_type=MediaType.JSON, summary="Take a job")
async def pop_job(request: AnyRequest, ctx: Ctx) -> Response[v1_servers.Job] | Response[v1_servers.NoJob]:
    """A server gets a job, or is told why there is none. Its first call makes it."""
    asked = await arguments(request, v1_servers.Pop, required=("api_key", "name"), casts=True)
    owner = await authenticate(ctx, asked.api_key)
    answer = await pop(ctx, owner, _ask(asked, address_of(request)))
    if isinstance(answer, Idle):
        return Response(v1_servers.NoJob(skipped={key: answer.skipped.get(key, 0) for key in SKIP_KEYS}))
    return Response(v1_servers.Job(payload={**answer.payload, "batch_size": 1}, id=answer.job_ids[0]))


def _ask(asked: v1_servers.Pop, address: str) -> Ask:
    terms = OfferTerms(
        features=sorted(capabilities(AGENT)),
        sizes={"pixels": asked.max_pixels},
        nsfw=True,
        is_extra_slow=False,
        flags={},
    )
    said = CheckIn(
        name=asked.name, kind=image.NAME, agent=AGENT, models=(MODEL,), threads=1, terms=terms, address=address
    )
    first_users = tuple(_user_id(alias) for alias in asked.priority_usernames)
    return Ask(said=said, amount=1, first_users=first_users, blacklist=(), held_jobs=None)


def _user_id(alias: str) -> int:
    found = id_of_alias(alias)
    if found is None:
        raise InvalidPriorityUsername(f"The priority username {alias[:80]!r} does not look like alias#id.")
    return found


@post("/submit", operation_class=DescribedSubmit, status_code=200, media_type=MediaType.JSON, summary="Deliver")
async def submit_job(request: AnyRequest, ctx: Ctx, key: IdempotencyKey = None) -> v1_servers.Submitted:
    """A server hands in the picture of a job."""
    asked = await arguments(request, v1_servers.Submit, required=("id", "api_key", "seed"))
    owner = await authenticate(ctx, asked.api_key)
    delivery = Delivery(
        job_id=asked.id,
        kind=image.NAME,
        picture=from_base64(asked.generation),
        state="ok",
        seed=seed_number(asked.seed) if isinstance(asked.seed, str) else folded(abs(asked.seed)),
        gen_metadata=[],
    )
    paid = await deliver(ctx, owner, delivery, await idempotency_key(request, owner, key))
    return v1_servers.Submitted(kudos_on_the_wire(paid.reward_mk))


router = Router("/generate", route_handlers=[pop_job, submit_job], exception_handlers=BARE_TEXTS, tags=["API v1"])
