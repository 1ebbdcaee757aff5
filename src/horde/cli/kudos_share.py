"""`horde kudos share`, `shared` and `unshare`: keys with which others ask at your cost."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from horde.cli.horde_options import ApiKey, HordeUrl
from horde.cli.output import answer, say
from horde.cli.refusals import refusals
from horde.client import ANONYMOUS_KEY, DEFAULT_URL, Horde
from horde.wire import v2_accounts

UNLIMITED = -1
ID_WIDTH, NUMBER_WIDTH = 38, 14


def share(
    *,
    kudos: Annotated[int | None, Parameter(help="so many may be spent; else all", validator=Number(gte=0))] = None,
    days: Annotated[int | None, Parameter(help="for so long; else for ever", validator=Number(gte=1))] = None,
    name: Annotated[str, Parameter(help="what it is for; whoever has the key reads it")] = "",
    pixels: Annotated[int | None, Parameter(help="the largest picture", validator=Number(gte=0))] = None,
    steps: Annotated[int | None, Parameter(help="the most steps of a picture", validator=Number(gte=0))] = None,
    tokens: Annotated[int | None, Parameter(help="the longest text", validator=Number(gte=0))] = None,
    horde: HordeUrl = DEFAULT_URL,
    key: ApiKey = ANONYMOUS_KEY,
) -> int:
    """Make a key with which others ask for results at your cost, and print it."""
    with refusals(), Horde(horde, key) as opened:
        made = opened.share(
            kudos=_or_unlimited(kudos),
            days=_or_unlimited(days),
            name=name,
            max_image_pixels=_or_unlimited(pixels),
            max_image_steps=_or_unlimited(steps),
            max_text_tokens=_or_unlimited(tokens),
        )
    answer(made.id)
    say(f"whoever has this key asks as {made.username}; `horde kudos unshare {made.id}` ends that.")
    return 0


def shared(*, horde: HordeUrl = DEFAULT_URL, key: ApiKey = ANONYMOUS_KEY) -> int:
    """List the keys that you share, with what is left of each."""
    with refusals(), Horde(horde, key) as opened:
        ids = opened.account().sharedkey_ids or []
        found = [opened.shared_key(key_id) for key_id in ids]
    if not found:
        say("you share no key.")
        return 0
    answer(f"{'key':<{ID_WIDTH}}{'kudos left':>{NUMBER_WIDTH}}{'spent':>{NUMBER_WIDTH}}  for")
    for one in found:
        answer(_line(one))
    return 0


def unshare(
    shared_key: Annotated[str, Parameter(name="KEY")],
    /,
    *,
    horde: HordeUrl = DEFAULT_URL,
    key: ApiKey = ANONYMOUS_KEY,
) -> int:
    """Delete a key that you share: nobody can ask with it any more."""
    with refusals(), Horde(horde, key) as opened:
        opened.unshare(shared_key)
    say(f"{shared_key} is of no use any more.")
    return 0


def _or_unlimited(limit: int | None) -> int:
    return UNLIMITED if limit is None else limit


def _line(one: v2_accounts.SharedKeyAnswer) -> str:
    left = "all of yours" if one.kudos == UNLIMITED else f"{one.kudos:,}"
    named = [one.name] if one.name else []
    until = [f"until {one.expiry}"] if one.expiry else []
    sizes = (("pixels", one.max_image_pixels), ("steps", one.max_image_steps), ("tokens", one.max_text_tokens))
    limits = [f"at most {limit:,} {what}" for what, limit in sizes if limit != UNLIMITED]
    told = ", ".join([*named, *until, *limits])
    return f"{one.id:<{ID_WIDTH}}{left:>{NUMBER_WIDTH}}{one.utilized:>{NUMBER_WIDTH},}  {told}".rstrip()
