"""What runs in a child process: a back end written without asyncio, which may block, crash and eat memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol

from horde.worker.backends.base import (
    AlchemyAbilities,
    Can,
    Finding,
    FormOrder,
    ImageAbilities,
    ImageOrder,
    Made,
    Ordered,
    Picture,
    Report,
    Text,
    TextAbilities,
    TextOrder,
)


class Stopped(BaseException):
    """Nobody waits for this order any more. Comes out of `report`; an engine lets it pass and stays usable.

    Not an Exception, so that `except Exception` in the libraries between does not swallow it.
    """


class Engine(Protocol[Can, Ordered, Made]):
    """Does the work of one device, one order after the other.

    Made in the child by a factory that is named as `package.module:factory` and called with keyword settings.
    What it prints does no harm: it goes to the error stream of the worker.
    """

    def load(self) -> Can:
        """Get ready. Called once; a BackendFailed tells the owner why it cannot be."""
        ...

    def generate(self, order: Ordered, report: Report) -> Sequence[Made]:
        """Make one result for each that is ordered, in their order.

        Call `report` after every step: it is also where an order that nobody wants any more ends, by `Stopped`.
        Raises BackendFailed, or OutOfMemory where size was the cause. Whatever else it raises costs the order too.
        """
        ...


@dataclass(frozen=True, slots=True)
class Work(Generic[Can, Ordered, Made]):
    """A kind of work, by the types that stand for it."""

    abilities: type[Can]
    order: type[Ordered]
    result: type[Made]


IMAGES: Final = Work(ImageAbilities, ImageOrder, Picture)
TEXTS: Final = Work(TextAbilities, TextOrder, Text)
ALCHEMY: Final = Work(AlchemyAbilities, FormOrder, Finding)
ORDER_OF: Final = {work.abilities: work.order for work in (IMAGES, TEXTS, ALCHEMY)}
"""What an engine with such abilities is ordered to do."""
