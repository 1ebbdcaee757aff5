"""The two options that say which horde a command speaks to, and as whom."""

from typing import Annotated

from cyclopts import Parameter

HordeUrl = Annotated[str, Parameter(name="--horde", env_var="HORDE_URL", help="address of the horde, without /api")]
ApiKey = Annotated[
    str, Parameter(name="--key", env_var="HORDE_API_KEY", help="your key; without one you are anonymous")
]
