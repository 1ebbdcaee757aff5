"""`horde worker faults`: why a worker of one's own gave jobs back."""

from __future__ import annotations

import html
from datetime import UTC
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter

from horde.cli.output import CommandFailed, answer, say
from horde.cli.refusals import refusals
from horde.client import Horde
from horde.environment import BadSetting
from horde.wire import native
from horde.worker.owner import Owner


def faults(
    name: Annotated[str | None, Parameter(help="which one; of the settings, if not said")] = None,
    /,
    *,
    horde: Annotated[str | None, Parameter(help="address of the horde, without /api (HORDE_URL)")] = None,
    key: Annotated[str | None, Parameter(help="key of the worker's owner (HORDE_API_KEY)")] = None,
    config: Annotated[Path | None, Parameter(help="settings file, as for `horde worker`")] = None,
    as_json: Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")] = False,
) -> int:
    """Say why a worker gave jobs back lately, the newest first, as it told the horde."""
    try:
        settings = Owner.from_files(Path.cwd(), config, {"horde_url": horde, "api_key": key, "name": name}).settings
    except BadSetting as error:
        raise CommandFailed(str(error), hint="`horde worker faults --help` lists the options.") from error
    with refusals(), Horde(settings.horde_url, settings.api_key) as opened:
        found = opened.worker_faults(opened.worker_named(settings.name).id)
    if as_json:
        answer(msgspec.json.encode(found).decode())
    elif found:
        answer("\n".join(_line(fault) for fault in found))
    else:
        say(f"{settings.name} gave no job back with a reason lately.")
    return 0


def _line(fault: native.WorkerFault) -> str:
    # The horde took out what steers a terminal, and wrote the rest for pages.
    return f"{fault.ended_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}  {fault.model}: {html.unescape(fault.reason)}"
