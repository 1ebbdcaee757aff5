"""`horde kudos send`: give kudos to somebody else."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from horde.cli.horde_options import ApiKey, HordeUrl
from horde.cli.output import FAILED, CommandFailed, answer, say
from horde.cli.refusals import refusals
from horde.client import ANONYMOUS_KEY, DEFAULT_URL, Horde


def send(
    to: Annotated[str, Parameter(name="NAME#ID")],
    amount: Annotated[int, Parameter(validator=Number(gte=1))],
    /,
    *,
    yes: Annotated[bool, Parameter(help="do not ask before it is sent", negative="")] = False,
    horde: HordeUrl = DEFAULT_URL,
    key: ApiKey = ANONYMOUS_KEY,
) -> int:
    """Give whole kudos of yours to NAME#ID, and print how many were given.

    A call whose answer is lost is made again, and gives them once.
    """
    with refusals(), Horde(horde, key) as opened:
        if not yes:
            _ask(f"send {amount} kudos from {opened.account().username} to {to}? [y/N] ")
        given = opened.transfer(to, amount)
    answer(f"{given:g}")
    say(f"{to} has them now.")
    return 0


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise CommandFailed("nobody is there to say yes, so nothing was sent.", hint="say it beforehand with --yes")
    sys.stderr.write(question)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandFailed("nothing was sent.", status=FAILED)
