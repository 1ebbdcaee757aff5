"""Workers as everybody may see them. Source: contract/api-v2.md, section 7."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final, TypeVar

from litestar import Router, delete, get, put
from litestar.params import FromPath, HeaderParameter, JSONBody, PathParameter, QueryParameter
from msgspec import UNSET, UnsetType

from horde.kinds import KINDS, alchemy, image, text
from horde.server.accounts.keys import authenticate
from horde.server.api.auth import ApiKey, OptionalApiKey, caller_by
from horde.server.api.body import StrictJson
from horde.server.api.connection import Ctx
from horde.server.api.v2.kinds import KINDS_NAMED, NAMES
from horde.server.api.v2.workers_seen import seen
from horde.server.context import Context
from horde.server.workers.modify import Changes, modify
from horde.server.workers.read import worker, worker_named, workers_online
from horde.server.workers.remove import remove
from horde.server.workers.roster import Worker
from horde.units import PIXELSTEPS_PER_MPS, kudos_on_the_wire
from horde.wire import v2

T = TypeVar("T")

NO_REQUESTS = "No requests fulfilled yet"

TypeFilter = Annotated[str | None, QueryParameter(name="type", required=False, description="Only this type.")]
NameFilter = Annotated[
    str | None, QueryParameter(name="name", required=False, description="Only the worker of this name, in any case.")
]

ModeratorKey = Annotated[
    str | None,
    HeaderParameter(name="apikey", required=False, description="A moderator's key; any other is as good as none."),
]

WorkerName = Annotated[str, PathParameter(description="The worker's name, as it is written; it may hold slashes.")]


@get("/", summary="Workers online")
async def list_workers(
    ctx: Ctx, type_filter: TypeFilter = None, name_filter: NameFilter = None, api_key: ModeratorKey = None
) -> list[v2.WorkerAnswer]:
    """Everybody who checked in within the last five minutes. Moderators see more of them."""
    kind = None if type_filter is None else KINDS_NAMED.get(type_filter, type_filter)
    workers = await workers_online(ctx, kind=kind, name=name_filter)
    return await seen(ctx, workers, api_key, answer)


@get("/{worker_id:str}", summary="One worker")
async def read_worker(ctx: Ctx, worker_id: FromPath[str], api_key: ModeratorKey = None) -> v2.WorkerAnswer:
    """A worker, online or not. Moderators see more of it."""
    [found] = await seen(ctx, [await worker(ctx, worker_id)], api_key, answer)
    return found


@get("/name/{name:path}", summary="One worker by its name")
async def read_worker_by_name(ctx: Ctx, name: WorkerName, api_key: ModeratorKey = None) -> v2.WorkerAnswer:
    """The worker of exactly this name, online or not. Moderators see more of it."""
    [found] = await seen(ctx, [await worker_named(ctx, name.removeprefix("/"))], api_key, answer)
    return found


@put("/{worker_id:str}", dto=StrictJson[v2.ModifyWorker], return_dto=None, summary="Change a worker")
async def modify_worker(
    ctx: Ctx, worker_id: FromPath[str], data: JSONBody[v2.ModifyWorker], api_key: ApiKey
) -> v2.ModifyWorkerAnswer:
    """For its owner and moderators: maintenance, what is said about it, its name and team. Only moderators pause it."""
    found = await worker(ctx, worker_id)
    caller = await authenticate(ctx, api_key)
    changes = Changes(
        is_in_maintenance=given(data.maintenance),
        maintenance_message=data.maintenance_msg,
        is_paused=given(data.paused),
        info=given(data.info),
        name=given(data.name),
        team_id=given(data.team),
    )
    changed = await modify(ctx, caller, str(found.id), changes)
    return v2.ModifyWorkerAnswer(
        maintenance=UNSET if data.maintenance is UNSET else changed.is_in_maintenance,
        paused=UNSET if data.paused is UNSET else changed.is_paused,
        info=UNSET if data.info is UNSET else changed.info or "",
        name=UNSET if data.name is UNSET else changed.name,
        team=UNSET if data.team is UNSET else changed.team_name or "None",
    )


@delete("/{worker_id:str}", status_code=200, summary="Delete a worker")
async def delete_worker(ctx: Ctx, worker_id: FromPath[str], api_key: OptionalApiKey = None) -> v2.Deleted:
    """For its owner and moderators. Its name is free again; jobs that it has may still be delivered, and are paid."""
    found = await worker(ctx, worker_id)
    removed = await remove(ctx, await caller_by(ctx, api_key), str(found.id))
    return v2.Deleted(str(removed.id), removed.name)


def given(value: T | UnsetType) -> T | None:
    """A field of a body, or None where it was left out."""
    return None if value is UNSET else value


def answer(ctx: Context, worker: Worker) -> v2.WorkerAnswer:
    """A worker on the wire."""
    earned = kudos_on_the_wire(worker.earned_mk)
    details = v2.KudosDetails()
    if worker.fulfilled and worker.kind not in EARNINGS_NOT_SHOWN:
        details.generated = kudos_on_the_wire(worker.earned_mk - worker.uptime_mk)
    if worker.uptime_mk:
        details.uptime = kudos_on_the_wire(worker.uptime_mk)
    return v2.WorkerAnswer(
        **OF_KIND.get(worker.kind, _of_any)(worker),  # type: ignore[arg-type]  # named as the fields
        name=worker.name,
        id=str(worker.id),
        type=NAMES.get(worker.kind, worker.kind),
        online=worker.is_online(ctx.now),
        requests_fulfilled=worker.fulfilled,
        uncompleted_jobs=worker.uncompleted,
        kudos_rewards=earned,
        kudos_details=details,
        performance=PERFORMANCE.get(worker.kind, _per_second)(worker) if worker.speeds else NO_REQUESTS,
        threads=worker.threads,
        uptime=round(worker.uptime_s),
        maintenance_mode=worker.is_in_maintenance,
        trusted=worker.owner_is_trusted,
        flagged=worker.owner_is_flagged,
        team=v2.TeamName(worker.team_name, str(worker.team_id)) if worker.team_id else v2.TeamName(),
        bridge_agent=worker.agent,
        nsfw=worker.terms.nsfw,
        info=worker.info or UNSET,
    )


def _seconds_per_form(worker: Worker) -> str:
    seconds = sum(1 / speed for speed in worker.speeds) / len(worker.speeds)
    return f"{seconds:.1f} seconds per form"


def _per_second(worker: Worker) -> str:
    unit = KINDS[worker.kind].unit
    return f"{worker.speed / unit.things:.1f} {unit.name} per second"


def _of_images(worker: Worker) -> dict[str, object]:
    flags, can = worker.terms.flags, frozenset(worker.terms.features)
    return {
        "models": list(worker.models),
        "max_pixels": worker.terms.sizes["pixels"],
        "megapixelsteps_generated": round(worker.things / PIXELSTEPS_PER_MPS, 2),
        "img2img": "img2img" in can,
        "painting": "inpainting" in can,
        "post_processing": flags.get("allow_post_processing", False),
        "controlnet": flags.get("allow_controlnet", False),
        "sdxl_controlnet": flags.get("allow_sdxl_controlnet", False),
        "lora": flags.get("allow_lora", False),
    }


def _of_texts(worker: Worker) -> dict[str, object]:
    sizes = {name: worker.terms.sizes[name] for name in (text.LENGTH, text.CONTEXT)}
    return {"models": list(worker.models), **sizes}


def _of_forms(worker: Worker) -> dict[str, object]:
    return {"forms": list(worker.models)}


def _of_any(worker: Worker) -> dict[str, object]:
    return {"models": list(worker.models)}


OF_KIND: Final[dict[str, Callable[[Worker], dict[str, object]]]] = {
    image.NAME: _of_images,
    text.NAME: _of_texts,
    alchemy.NAME: _of_forms,
}
"""What is only said of the workers of a kind."""
PERFORMANCE: Final[dict[str, Callable[[Worker], str]]] = {alchemy.NAME: _seconds_per_form}
"""How fast they are, of kinds for which things per second say little."""
EARNINGS_NOT_SHOWN: Final = frozenset({alchemy.NAME})
"""What they earned by jobs is on the wire only in the total (contract/api-v2.md, section 7.1)."""

router = Router(
    "/workers",
    route_handlers=[list_workers, read_worker, read_worker_by_name, modify_worker, delete_worker],
    tags=["Workers"],
)
