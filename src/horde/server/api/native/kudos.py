"""Kudos beyond what the dialects of others have words for: an account's own statement."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from litestar import MediaType, Response, Router, get
from litestar.di import Provide
from litestar.params import QueryParameter

from horde.server.api.auth import Caller, provide_user
from horde.server.api.connection import AnyRequest, Ctx, base_url
from horde.server.ledger.balance import Balance
from horde.server.ledger.statement import Search
from horde.server.status.statement import Line, statement
from horde.units import kudos_on_the_wire
from horde.wire import native
from horde.wire.statement_csv import statement_csv

CSV = "text/csv"
PATH = "/api/kudos"

Kind = Annotated[native.EntryKind | None, QueryParameter(required=False, description="Only what moved for this.")]
Since = Annotated[
    datetime | None, QueryParameter(required=False, description="Only from this moment on; UTC unless said.")
]
Until = Annotated[datetime | None, QueryParameter(required=False, description="Only before this moment.")]
RequestId = Annotated[UUID | None, QueryParameter(name="request", required=False, description="Only of this request.")]
Before = Annotated[
    int | None, QueryParameter(required=False, ge=0, le=2**63 - 1, description="`next_before` of the page before.")
]
Limit = Annotated[
    int, QueryParameter(required=False, ge=1, le=native.STATEMENT_LIMIT_MAX, description="Entries of a page.")
]
Form = Annotated[
    Literal["json", "csv"] | None,
    QueryParameter(name="format", required=False, description="Wins over the header Accept."),
]


@get("/statement", summary="My statement", dependencies={"user": Provide(provide_user)})
async def read_statement(
    request: AnyRequest,
    ctx: Ctx,
    user: Caller,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    request_id: RequestId = None,
    before: Before = None,
    limit: Limit = native.STATEMENT_LIMIT,
    form: Form = None,
) -> Response[native.Statement | str]:
    """What moved in the account of the key, the newest first; the next page is also in the header Link."""
    search = Search(kind=kind, since=_utc(since), until=_utc(until), request_id=request_id, before=before)
    found = await statement(ctx, user, search, limit=limit)
    entries = [_entry(line) for line in found.lines]
    headers = {"Cache-Control": "private, no-store", "Vary": "Accept, apikey"}
    if found.next_before is not None:
        words = {**request.query_params.dict(), "before": [str(found.next_before)]}
        link = f"{base_url(request)}{PATH}/statement?{urlencode(words, doseq=True)}"
        headers["Link"] = f'<{link}>; rel="next"'
    if (form or _accepted(request)) == "csv":
        return Response(statement_csv(entries), media_type=CSV, headers=headers)
    answer = native.Statement(
        username=user.alias, balance=_purse(found.balance), entries=entries, next_before=found.next_before
    )
    return Response(answer, media_type=MediaType.JSON, headers=headers)


def _accepted(request: AnyRequest) -> str:
    return "csv" if request.accept.best_match([MediaType.JSON.value, CSV]) == CSV else "json"


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _purse(balance: Balance) -> native.Purse:
    return native.Purse(
        spendable=kudos_on_the_wire(balance.spendable_mk),
        held=kudos_on_the_wire(balance.held_mk),
        escrow=kudos_on_the_wire(balance.escrow_mk),
        floor=kudos_on_the_wire(balance.floor_mk),
    )


def _entry(line: Line) -> native.StatementEntry:
    entry = line.entry
    return native.StatementEntry(
        seq=entry.seq,
        id=str(entry.id),
        kind=entry.kind,
        at=entry.at,
        moved=_pockets(entry.spendable_mk, entry.held_mk, entry.escrow_mk),
        lifted=kudos_on_the_wire(entry.lifted_mk),
        after=_pockets(entry.spendable_after_mk, entry.held_after_mk, entry.escrow_after_mk),
        request_id=str(entry.request_id) if entry.request_id else None,
        job_id=str(entry.job_id) if entry.job_id else None,
        worker=line.worker,
        others=entry.others,
        explanation=line.explanation,
    )


def _pockets(spendable: int, held: int, escrow: int) -> native.Pockets:
    return native.Pockets(
        spendable=kudos_on_the_wire(spendable), held=kudos_on_the_wire(held), escrow=kudos_on_the_wire(escrow)
    )


router = Router(PATH, route_handlers=[read_statement], tags=["Kudos"])
