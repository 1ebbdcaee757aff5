"""Alchemy: what can be made of one picture, form by form. Each form is a job of its own, which one worker does.

What other kinds have models for, this one has forms for: a job needs a worker that offers its form. Prices stand in
alchemy_price.py. Source: contract/api-v2.md, section 5; contract/lifecycle.md, sections 5 D and 7.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from horde.kinds import alchemy_price
from horde.kinds.alchemy_price import POST_PROCESSING
from horde.kinds.base import ChargeTerms, Draft, Heavy, Kind, Needs, Unit
from horde.kinds.image_params import PostProcessor
from horde.units import Kudos, kudos

NAME = "alchemy"

Form = Literal[
    "caption", "interrogation", "nsfw", "vectorize", "palette", "describe", "aesthetic", PostProcessor
]  # fmt: skip
UPLOADED = "R2"
"""What a worker sends for a result that it uploaded."""
TILES = "max_tiles"
"""The size that a worker limits; also the skip key under which it is told that it fails it."""
TILES_MAX = 255
"""Pictures that take more squares of 512 pixels are refused."""
LEASE_S = 180
DEFAULT_SPEED = 1.0
"""Forms per second of a worker that has delivered nothing yet."""
SLOW_BELOW = 0.1
"""A worker that takes 10 seconds for a form is slow."""
UPTIME_REWARD: Final = kudos(40)
FAULTS_MAX, ABORTED_MAX, LIMIT_FACTOR = 4, 100, 10


class AlchemyParams(msgspec.Struct, kw_only=True):
    """What is to be made of the picture."""

    form: Form = "caption"
    payload: dict[str, str] | UnsetType = UNSET
    """What else the form wants to know."""
    tiles: Annotated[int, Meta(ge=1, le=TILES_MAX)] = 1
    """How many squares of 512 pixels it takes to cover the picture."""


def check(_draft: Draft[AlchemyParams]) -> None:
    """Refuses nothing: what the bounds of the fields let through can be done."""


def needs(draft: Draft[AlchemyParams]) -> Needs:
    """The lane in which this form waits, whatever else the draft says."""
    return Needs(
        kind=NAME,
        models=(draft.params.form,),
        sizes=((TILES, draft.params.tiles),),
        trusted_workers=draft.trusted_workers,
        slow_workers=draft.slow_workers,
        workers=tuple(sorted(set(draft.workers))),
        worker_blacklist=draft.worker_blacklist and bool(draft.workers),
    )


def things(_params: AlchemyParams) -> int:
    """Each job is one form."""
    return 1


def slow_below(_forms: Sequence[str]) -> float:
    """The same for all forms."""
    return SLOW_BELOW


def abilities(_agent: str) -> frozenset[str]:
    """What a worker can do it says by the forms that it offers."""
    return frozenset()


def price(draft: Draft[AlchemyParams]) -> Kudos:
    """What the form is worth, whoever does it."""
    return alchemy_price.worth(draft.params.form, tiles=draft.params.tiles)


def worth(price: Kudos, _form: str, _needs: Needs) -> Kudos:
    """As it was priced."""
    return price


def pay_share(_agent: str) -> float:
    """All programs are credited with all of it."""
    return 1.0


def uptime_reward(_forms: Sequence[str], _features: Collection[str], _sizes: Mapping[str, int]) -> Kudos:
    """The same for all workers."""
    return UPTIME_REWARD


def charge_terms(draft: Draft[AlchemyParams]) -> ChargeTerms:
    """Fast workers cost more."""
    return alchemy_price.charge_terms(slow_workers=draft.slow_workers)


def tax(_draft: Draft[AlchemyParams], *, has_foreign_style: bool = False) -> Kudos:
    """Nothing is due for asking."""
    return Kudos(0)


def estimate(draft: Draft[AlchemyParams]) -> Kudos:
    """What so many of these forms cost, to the last kudos."""
    return Kudos(draft.n * charge_terms(draft).of(price(draft)))


def heavy(draft: Draft[AlchemyParams], *, threads: int, queued: int, upfront_for_lists: bool = False) -> Heavy | None:
    """No form is."""
    return None


def downgraded(draft: Draft[AlchemyParams], *, threads: int, queued: int) -> Draft[AlchemyParams]:
    """As it is: there is nothing smaller."""
    return draft


def lease_s(_params: AlchemyParams, _forms: tuple[str, ...]) -> int:
    """Seconds from the pop to the deadline."""
    return LEASE_S


def payload(params: AlchemyParams, _prompt: str, _n: int, _seed: int) -> dict[str, object]:
    """What the worker gets beside the picture: the form, and what it wants to know, if it wants to know something."""
    return {"form": params.form, **({"payload": params.payload} if params.payload else {})}


def batch_max(_params: AlchemyParams, _sizes: Mapping[str, int], _amount: int) -> int:
    """A form is done once: there is nothing to batch."""
    return 1


def size_in_words(_name: str, tiles: int) -> str:
    """Tiles, and how large they are."""
    return f"{tiles:,} tiles of 512x512"


def told(body: dict[str, object]) -> dict[str, object]:
    """What a webhook tells of a form: which it is, and its result as one value (contract/lifecycle.md, section 11)."""
    kept = {name: body[name] for name in ("worker_id", "worker_name", "id", "request", "kudos")}
    return {"form": body["model"], "state": "done", "result": result_of(str(body["result"])), **kept}


def result_of(text: str) -> dict[str, object]:
    """A result as its worker sent it, out of the text that is kept."""
    return msgspec.json.decode(text, type=dict[str, object])


def uploads(form: str, result: str) -> list[str]:
    """The parts of a result that stand for the picture that its worker uploaded; only post-processing has any."""
    return [name for name, value in result_of(result).items() if value == UPLOADED] if form in POST_PROCESSING else []


KIND = Kind(
    name=NAME,
    params=AlchemyParams,
    check=check,
    needs=needs,
    things=things,
    unit=Unit("forms", 1),
    default_speed=DEFAULT_SPEED,
    slow_below=slow_below,
    abilities=abilities,
    price=price,
    any_model="caption",
    worth=worth,
    pay_share=pay_share,
    uptime_reward=uptime_reward,
    charge_terms=charge_terms,
    tax=tax,
    estimate=estimate,
    heavy=heavy,
    downgraded=downgraded,
    lease_s=lease_s,
    lease_factor_extra_slow=1,
    payload=payload,
    batch_max=batch_max,
    size_in_words=size_in_words,
    skip_keys_shown=(),
    makes_files=False,
    has_models=False,
    uploads=uploads,
    faults_max=FAULTS_MAX,
    aborted_max=ABORTED_MAX,
    limit_factor=LIMIT_FACTOR,
    uptime_is_spendable=True,
    result_field="result",
    reworded_for_webhook=told,
)
