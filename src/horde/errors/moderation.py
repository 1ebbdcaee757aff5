"""Refusals that moderators bring about, in the tree of errors.py.

HordeError
├── BadInput 400                CorruptPrompt, NoFilterModSelected
├── Refused 403                 TimeoutIP, WorkerFlaggedMaintenance
└── Missing 404                 FilterNotFound
"""

from __future__ import annotations

from horde.errors import BadInput, Missing, Refused


class CorruptPrompt(BadInput):
    """This prompt is not taken here: it hits the filters of this horde."""

    default_hint = "whoever sends such prompts again and again is kept out for longer each time."


class NoFilterModSelected(BadInput):
    """Nothing was given that is to be changed of the filter."""


class TimeoutIP(Refused):
    """Calls from this address are not taken at the moment."""

    default_hint = "wait; if nothing of this comes from you, ask a moderator of this horde."


class WorkerFlaggedMaintenance(Refused):
    """The account of this worker is flagged, so it is given no work."""

    default_hint = "ask a moderator of this horde why."


class FilterNotFound(Missing):
    """There is no such filter."""
