"""What the owner of a worker can set, and the only place of the worker that reads the environment."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from horde.client import ANONYMOUS_KEY, DEFAULT_URL
from horde.environment import Naming, read_settings

NAMING = Naming("HORDE_WORKER_", {"horde_url": "HORDE_URL", "api_key": "HORDE_API_KEY"})
"""The customary names are shared with `horde generate`, so that a shell sets them once."""
NAME_MAX = 100
LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the worker reads from outside, checked once at the start.

    Each field is read from `HORDE_WORKER_<FIELD>`, upper case, but for the two customary names.
    """

    horde_url: str = DEFAULT_URL
    """The address of the horde without `/api`."""
    api_key: str = ANONYMOUS_KEY
    """The key of the account that earns the kudos."""
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)] = msgspec.field(
        default_factory=lambda: socket.gethostname()[:NAME_MAX] or "worker"
    )
    """Workers that run at the same time need names of their own: each start takes over the jobs of its name."""
    backend: str = "demo"
    """A name of `backends.BACKENDS`, or `package.module:factory` for one of your own."""
    threads: Annotated[int, Meta(ge=1, le=50)] = 1
    """How many jobs (or batches of one request) are made at the same time."""
    max_pixels: Annotated[int, Meta(ge=64 * 64, le=2**31 - 1)] | None = None
    """Largest picture, width times height; None: what the back end can."""
    nsfw: bool = True
    """Whether to take requests that may be not safe for work."""
    grace_s: Annotated[float, Meta(ge=0, le=3600)] = 8.0
    """How long jobs may go on after the wish to stop; with the time to give the rest back this stays below the ten
    seconds after which `docker stop` and `horde up` kill."""
    log_level: LevelName = "INFO"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **flags: object) -> Settings:
        """Read the settings; a flag that is not None wins over the environment.

        Raises BadSetting for a value that cannot be read.
        """
        return read_settings(cls, os.environ if environment is None else environment, NAMING, flags)
