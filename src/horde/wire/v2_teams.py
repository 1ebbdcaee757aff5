"""The messages of API v2 for teams. Source: contract/api-v2.md, section 7.

As in v2.py: an explicit null is refused, absent is `UNSET`; answers are stripped of nulls.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

TeamName = Annotated[str, Meta(min_length=3, max_length=100)]
TeamInfo = Annotated[str, Meta(min_length=3, max_length=1000)]


class NewTeam(msgspec.Struct, kw_only=True):
    """Somebody founds a team."""

    name: TeamName
    info: TeamInfo | UnsetType = UNSET


class TeamChange(msgspec.Struct, kw_only=True):
    """What shall be changed of a team; what is left out stays."""

    name: TeamName | UnsetType = UNSET
    info: TeamInfo | UnsetType = UNSET


class TeamChanged(msgspec.Struct, kw_only=True):
    """A team that was founded (with its id), or what was changed of one."""

    id: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    info: str | UnsetType = UNSET


class TeamWorker(msgspec.Struct):
    """A worker of a team."""

    type: str
    name: str
    id: str
    online: bool


class TeamModel(msgspec.Struct):
    """A model, and how many of a team's workers offer it."""

    name: str
    count: int


class TeamAnswer(msgspec.Struct, kw_only=True):
    """A team with what its workers did while they were in it."""

    name: str
    id: str
    creator: str
    requests_fulfilled: int
    kudos: float
    uptime: int
    info: str | UnsetType = UNSET
    worker_count: int
    workers: list[TeamWorker]
    models: list[TeamModel]
