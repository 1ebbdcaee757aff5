"""How a program's settings are read: out of the environment and its flags, into a struct that checks them.

The environment itself comes in from the `settings.py` of the program; nothing here looks at it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


class BadSetting(ValueError):
    """A setting cannot be read; the message names it, its value and what it takes."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Which variable holds a setting: the prefix and the setting's name in capitals, but for customary names."""

    prefix: str
    customary: Mapping[str, str]

    def variable(self, setting: str) -> str:
        """The variable's name."""
        return self.customary.get(setting, self.prefix + setting.upper())


def read_settings(kind: type[S], environment: Mapping[str, str], naming: Naming, flags: Mapping[str, object]) -> S:
    """The settings; a flag that is not None wins over the environment, an empty variable counts as none.

    Raises BadSetting for a value that cannot be read.
    """
    variables = {name: naming.variable(name) for name in kind.__struct_fields__}
    values: dict[str, object] = {
        name: environment[variable] for name, variable in variables.items() if environment.get(variable)
    }
    values.update({name: flag for name, flag in flags.items() if flag is not None})
    try:
        return msgspec.convert(values, kind, strict=False, dec_hook=_decode_path)
    except msgspec.ValidationError as error:
        places = ", ".join([f"{naming.prefix}*", *naming.customary.values()])
        raise BadSetting(f"a setting cannot be used: {error} (read from the flags, {places})") from error


def _decode_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value).expanduser()
    raise NotImplementedError(f"no setting is of type {kind}")
