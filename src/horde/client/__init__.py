"""The client of a Stable Horde, and of every server that speaks the AI Horde v2 API.

    from horde.client import Horde

    horde = Horde("http://127.0.0.1:7001")
    image = horde.generate("A horde of stable robots", width=256, height=256).wait().images()[0]
    image.save("robots.webp")

`AsyncHorde` is the same with `await`. Everything that can go wrong is a HordeError; errors.py draws the tree.
"""

from horde.client._calls import ANONYMOUS_KEY, DEFAULT_URL, Call
from horde.client._requests import ImageOptions
from horde.client._retry import Retries
from horde.client.aio import AsyncHorde
from horde.client.errors import BadAnswer, PictureGone, RequestFaulted, Unreachable, WaitedTooLong
from horde.client.handles import AsyncRequestHandle, RequestHandle
from horde.client.images import Image
from horde.client.sync import Horde
from horde.errors import HordeError
from horde.wire.v2 import CheckAnswer, GenerateAsync

__all__ = [
    "ANONYMOUS_KEY",
    "DEFAULT_URL",
    "AsyncHorde",
    "AsyncRequestHandle",
    "BadAnswer",
    "Call",
    "CheckAnswer",
    "GenerateAsync",
    "Horde",
    "HordeError",
    "Image",
    "ImageOptions",
    "PictureGone",
    "RequestFaulted",
    "RequestHandle",
    "Retries",
    "Unreachable",
    "WaitedTooLong",
]
