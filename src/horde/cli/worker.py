"""`horde worker`: lend this machine to a horde."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from horde.cli.output import CommandFailed
from horde.cli.refusals import refusals
from horde.environment import BadSetting
from horde.worker import main
from horde.worker.backends import UnknownBackend
from horde.worker.settings import Settings


def worker(
    *,
    horde: Annotated[str | None, Parameter(help="address of the horde, without /api (HORDE_URL)")] = None,
    key: Annotated[str | None, Parameter(help="key of the account that earns the kudos (HORDE_API_KEY)")] = None,
    name: Annotated[
        str | None, Parameter(help="name of this worker; each one that runs needs its own (host name)")
    ] = None,
    backend: Annotated[str | None, Parameter(help="what makes the pictures: demo, or package.module:factory")] = None,
    threads: Annotated[int | None, Parameter(help="how many jobs are made at the same time (1)")] = None,
    max_pixels: Annotated[int | None, Parameter(help="largest picture taken, width times height")] = None,
) -> int:
    """Take jobs of a horde until told to stop; what is begun is ended first, or handed back.

    Every option can be set in the environment too: HORDE_URL, HORDE_API_KEY and HORDE_WORKER_<OPTION>.
    """
    try:
        settings = Settings.from_environment(
            horde_url=horde, api_key=key, name=name, backend=backend, threads=threads, max_pixels=max_pixels
        )
        with refusals():
            main.run(settings)
    except (BadSetting, UnknownBackend) as error:
        raise CommandFailed(str(error), hint="`horde worker --help` lists the options.") from error
    return 0
