"""`horde register`: make an account on a horde and print its key."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import Parameter

from horde.cli.horde_options import HordeUrl
from horde.cli.output import answer, say
from horde.cli.refusals import refusals
from horde.client import DEFAULT_URL, Horde


def register(
    name: str,
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="answer in JSON", negative="")] = False,
    horde: HordeUrl = DEFAULT_URL,
) -> int:
    """Make a pseudonymous account and print its key, which is shown this once."""
    with refusals(), Horde(horde) as opened:
        account = opened.register(name)
    if as_json:
        answer(msgspec.json.encode(account).decode())
    else:
        say(f"registered {account.username}; this is the key:")
        answer(account.api_key)
    say("keep it: the horde does not show it again. `export HORDE_API_KEY=...` lets all commands use it.")
    return 0
