"""What the owner of a worker can set, and the only place of the worker that reads the environment.

Later ones win: the defaults, `bridgeData.yaml`, `bridgeData.py`, the environment, the flags.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from platformdirs import user_data_path

from horde.client import ANONYMOUS_KEY, DEFAULT_URL
from horde.environment import BadSetting, Naming
from horde.kinds.base import Serves
from horde.worker.models.civitai import CIVITAI_URL
from horde.worker.work_hours import WorkHours, work_hours

NAMING = Naming("HORDE_WORKER_", {"horde_url": "HORDE_URL", "api_key": "HORDE_API_KEY"})
"""The customary names are shared with `horde generate`, so that a shell sets them once."""
NAME_MAX = 100
WORDS_MAX = 10_000
FRIENDS_MAX = 100
"""As many as a pop may name."""
HORDES_MAX = 10
ADD_ONS = "add_ons"
"""Folder of LoRAs and textual inversions that were fetched."""
LevelName = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Words = Annotated[tuple[str, ...], Meta(max_length=WORDS_MAX)]


class HordeAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A further horde, for when those before it have no work."""

    url: str
    api_key: str = ANONYMOUS_KEY


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the worker reads from outside, checked once at the start and again when a file changes.

    Each field is read from `HORDE_WORKER_<FIELD>`, upper case, but for the two customary names; lists have commas
    between their words there.
    """

    horde_url: str = DEFAULT_URL
    """The address of the horde without `/api`."""
    api_key: str = ANONYMOUS_KEY
    """The key of the account that earns the kudos."""
    other_hordes: Annotated[tuple[HordeAddress, ...], Meta(max_length=HORDES_MAX)] = ()
    """In the order of preference."""
    name: Annotated[str, Meta(min_length=1, max_length=NAME_MAX)] = msgspec.field(
        default_factory=lambda: socket.gethostname()[:NAME_MAX] or "worker"
    )
    """Workers that run at the same time need names of their own: each start takes over the jobs of its name."""
    backend: str = "auto"
    """Names of `backends.BACKENDS`, or `package.module:factory` for one of your own, with commas between them; `=URL`
    after one says where its program is. `auto`: what is found on this machine."""
    options: dict[str, dict[str, object]] = msgspec.field(default_factory=dict)
    """For a back end, by its name: what it is made with."""
    threads: Annotated[int, Meta(ge=1, le=50)] | None = None
    """How many jobs (or batches of one request) are made at the same time; None: as many as the back end does."""
    queue_size: Annotated[int, Meta(ge=0, le=4)] = 1
    """How many jobs are fetched ahead for each of the threads, shortly before there is a machine free for them."""
    models: Words = ()
    """Models to offer, of those that the back end has; none named: all."""
    model_reference: Path | None = None
    """A file that says which files the horde's models are; a program's files that it knows are offered by its names."""
    max_pixels: Annotated[int, Meta(ge=64 * 64, le=2**31 - 1)] | None = None
    """Largest picture, width times height; None: what the back end can."""
    max_tokens: Annotated[int, Meta(ge=16, le=2**31 - 1)] | None = None
    """Longest text; None: what the back end can."""
    max_context: Annotated[int, Meta(ge=128, le=2**31 - 1)] | None = None
    """Most tokens of prompt and text; None: what the back end can."""
    nsfw: bool = True
    """Whether to take requests that may be not safe for work."""
    censor_nsfw: bool = False
    """Whether to have pictures censored that turn out not safe for work, whatever their requestor wants."""
    blacklist: Words = ()
    """Words; requests with one of them in the prompt are not taken."""
    censorlist: Words = ()
    """Words; with one of them in the prompt, a picture that is not safe for work is censored."""
    priority_usernames: Annotated[tuple[str, ...], Meta(max_length=FRIENDS_MAX)] = ()
    """`alias#id` of friends, who are served right after the owner."""
    allow_img2img: bool = True
    allow_painting: bool = True
    allow_post_processing: bool = True
    allow_controlnet: bool = True
    allow_lora: bool = True
    max_lora_cache_size: Annotated[float, Meta(ge=0, le=100_000)] = 10.0
    """GB of the disk for LoRAs and textual inversions that requests name, fetched for back ends that can use them;
    0: none are fetched."""
    civitai_url: str = CIVITAI_URL
    """Where they are fetched from: the address of its API."""
    civitai_api_token: str = ""
    """For those that are given to accounts only."""
    allow_unsafe_ipaddr: bool = True
    """Whether to serve people behind VPNs and the like."""
    require_upfront_kudos: bool = False
    """Whether to serve only those who have the kudos already."""
    extra_slow_worker: bool = False
    """Only for those who say that they can wait; leases are three times as long."""
    limit_max_steps: bool = False
    """Whether to decline more steps than a model needs."""
    serves: Serves = "everybody"
    """`owner` and `team` are served unpaid and uncharged; only Stable Hordes know this."""
    local_first: bool = False
    """Whether the owner's own requests take the machine at once, from jobs of others."""
    work_hours: str = ""
    """When to work, in local time: `22:00-07:00`, several with commas between them; empty: always."""
    pause_on_battery: bool = True
    pause_when_gpu_used: bool = False
    """Whether to take no work while another program uses the GPU."""
    grace_s: Annotated[float, Meta(ge=0, le=3600)] = 8.0
    """How long jobs may go on after the wish to stop; with the time to give the rest back this stays below the ten
    seconds after which `docker stop` and `horde up` kill."""
    data: Path = msgspec.field(default_factory=lambda: user_data_path("horde", appauthor=False) / "worker")
    """Where results that wait for delivery and downloaded models lie."""
    log_level: LevelName = "INFO"

    @property
    def hours(self) -> WorkHours:
        """When to work. Raises BadSetting."""
        return work_hours(self.work_hours)

    @property
    def add_ons(self) -> Path | None:
        """Where LoRAs and textual inversions lie that were fetched; None: none are."""
        return self.data / ADD_ONS if self.max_lora_cache_size else None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **flags: object) -> Settings:
        """Read the settings without any file; a flag that is not None wins over the environment.

        Raises BadSetting for a value that cannot be read.
        """
        return cls.read({}, environment, flags)

    @classmethod
    def read(
        cls, values: Mapping[str, object], environment: Mapping[str, str] | None, flags: Mapping[str, object]
    ) -> Settings:
        """Read the settings over `values`, which came from files.

        Raises BadSetting for a value that cannot be read.
        """
        known = os.environ if environment is None else environment
        merged: dict[str, object] = dict(values)
        for name in cls.__struct_fields__:
            if given := known.get(NAMING.variable(name)):
                merged[name] = _listed(given) if isinstance(_default(name), tuple) else given
        merged.update({name: flag for name, flag in flags.items() if flag is not None})
        try:
            settings = msgspec.convert(merged, cls, strict=False, dec_hook=_decode_path)
        except msgspec.ValidationError as error:
            places = ", ".join(["the flags", f"{NAMING.prefix}*", *NAMING.customary.values(), "the settings file"])
            raise BadSetting(f"a setting cannot be used: {error} (read from {places})") from error
        work_hours(settings.work_hours)
        return settings


def _default(name: str) -> object:
    at = Settings.__struct_fields__.index(name)
    return Settings.__struct_defaults__[at]


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _decode_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    if kind is object:  # an option of a back end, which that one checks
        return value
    raise NotImplementedError(f"no setting is of type {kind}")
