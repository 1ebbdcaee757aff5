"""What can go wrong at the client's side. Everything a caller can see is a HordeError.

HordeError                 what a server refuses keeps its class of horde.errors (InvalidAPIKey, RequestNotFound, …)
├── Unavailable
│   └── Unreachable        nobody answers at the horde's address
├── Missing
│   └── PictureGone        the horde no longer has the picture
├── BadAnswer              what answered does not speak as a horde does
├── RequestFaulted         workers tried and failed; the horde gave the request up
└── WaitedTooLong          the caller's own patience is over; the request goes on
"""

from __future__ import annotations

from horde.errors import HordeError, Missing, Unavailable


class Unreachable(Unavailable):
    """The horde does not answer."""

    default_hint = "is the address right, and does a horde run there? `horde up` starts one."


class PictureGone(Missing):
    """The horde no longer has this picture."""

    default_hint = "pictures are kept for about 20 minutes; ask for it again with the same seed."


class BadAnswer(HordeError):
    """What answered does not speak as a horde does."""

    status = 502
    default_hint = "is this the address of a horde? It goes without a path: http://127.0.0.1:7001"


class RequestFaulted(HordeError):
    """Workers tried and failed; the horde gave the request up."""

    status = 500
    default_hint = "ask again, perhaps with another model or size; pictures that were ready can still be read."


class WaitedTooLong(HordeError):
    """The pictures were not ready in time."""

    status = 504
    default_hint = "the request goes on: wait again, or cancel it."
