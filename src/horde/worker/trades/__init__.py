"""The trades: one for each kind of work. `trade_of` is the one place that chooses between them."""

from __future__ import annotations

from typing import Final, TypeAlias, cast

from horde.worker.backends.base import AlchemyAbilities, ImageAbilities, TextAbilities
from horde.worker.trades.alchemy import Alchemy
from horde.worker.trades.base import Trade
from horde.worker.trades.images import Images
from horde.worker.trades.texts import Texts

AnyTrade: TypeAlias = Trade[object, object, object, object]
"""One whose back end fits because `trade_of` saw to it: no type can say so of a choice at run time."""

TRADES: Final = {
    ImageAbilities: Images(),
    TextAbilities: Texts(),
    AlchemyAbilities: Alchemy(),
}
"""By what a back end says that it can."""


def trade_of(abilities: object) -> AnyTrade:
    """How the work of a back end with these abilities is asked for and handed in. Raises KeyError for no such thing."""
    return cast("AnyTrade", TRADES[type(abilities)])
