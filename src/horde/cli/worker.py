"""`horde worker`: lend this machine to a horde."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from horde.cli.output import FAILED, CommandFailed, answer, say
from horde.cli.refusals import refusals
from horde.cli.worker_control import pause, resume, status, stop
from horde.cli.worker_faults import faults
from horde.cli.worker_models import MODELS
from horde.cli.worker_models import app as models_app
from horde.environment import BadSetting
from horde.worker import main, speech
from horde.worker.backends import AUTO, UnknownBackend, chosen, uses_names
from horde.worker.backends.base import BackendFailed
from horde.worker.found_out import found_out
from horde.worker.known_names import known_names
from horde.worker.models.reference import BadReference
from horde.worker.offer import offers
from horde.worker.owner import Owner
from horde.worker.screen import Screen

BACKEND_HINT = (
    "docs/guides/lend-your-gpu.md tells what each back end needs; `--backend NAME=URL` says where its program is."
)

app = App(name="worker", help="Lend this machine to a horde.")
for command in (status, pause, resume, stop, faults):
    app.command(command)
app.command(models_app)


@app.default
def worker(
    *,
    horde: Annotated[str | None, Parameter(help="address of the horde, without /api (HORDE_URL)")] = None,
    key: Annotated[str | None, Parameter(help="key of the account that earns the kudos (HORDE_API_KEY)")] = None,
    name: Annotated[
        str | None, Parameter(help="name of this worker; each one that runs needs its own (host name)")
    ] = None,
    backend: Annotated[
        str | None,
        Parameter(help="what does the work, e.g. a1111=http://127.0.0.1:7860,koboldai; what is found, if not said"),
    ] = None,
    models: Annotated[str | None, Parameter(help="models to offer, with commas between them (all there are)")] = None,
    threads: Annotated[
        int | None, Parameter(help="how many jobs are made at the same time (as many as the back end does)")
    ] = None,
    max_pixels: Annotated[int | None, Parameter(help="largest picture taken, width times height")] = None,
    nsfw: Annotated[bool | None, Parameter(help="take requests that may be not safe for work")] = None,
    serves: Annotated[str | None, Parameter(help="everybody, team or owner")] = None,
    local_first: Annotated[
        bool | None, Parameter(help="give your own requests the machine at once, from jobs of others", negative="")
    ] = None,
    work_hours: Annotated[str | None, Parameter(help="when to work, in local time: 22:00-07:00 (always)")] = None,
    config: Annotated[
        Path | None, Parameter(help="settings file (bridgeData.yaml, then bridgeData.py, in this folder)")
    ] = None,
    plain: Annotated[bool, Parameter(help="log lines in place of the live screen", negative="")] = False,
    dry_run: Annotated[bool, Parameter(help="show what would be offered, and end", negative="")] = False,
) -> int:
    """Take jobs of a horde until told to stop; what is begun is ended first, or handed back.

    Every setting can stand in bridgeData.yaml or bridgeData.py, and in the environment as HORDE_WORKER_<SETTING>.
    """
    flags = {
        "horde_url": horde,
        "api_key": key,
        "name": name,
        "backend": backend,
        "models": None if models is None else [model.strip() for model in models.split(",") if model.strip()],
        "threads": threads,
        "max_pixels": max_pixels,
        "nsfw": nsfw,
        "serves": serves,
        "local_first": local_first,
        "work_hours": work_hours,
    }
    try:
        owner = Owner.from_files(Path.cwd(), config, flags)
        reasons = asyncio.run(found_out(owner)) if owner.settings.backend == AUTO else []
        settings = owner.settings
        known = asyncio.run(known_names(settings)) if uses_names(settings.backend) else None
        team = main.Team(
            owner, chosen(settings.backend, settings.options, settings.data / MODELS, settings.add_ons, known)
        )
        speech.speak(owner.settings.log_level)
        owner.warn()
        for reason in reasons:
            say(reason)
        with refusals():
            if dry_run:
                answer(asyncio.run(offers(team)))
                return 0
            with nullcontext() if plain or not sys.stderr.isatty() else Screen(team):
                main.run(team)
    except (BadSetting, BadReference, UnknownBackend) as error:
        raise CommandFailed(str(error), hint="`horde worker --help` lists the options.") from error
    except BackendFailed as error:
        message, _, hint = str(error).partition("\n\nhint: ")
        raise CommandFailed(message, hint=hint or BACKEND_HINT, status=FAILED) from error
    return 0
