"""Small pages with values in them. They load nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Template

FOLDER = "horde.server.api.site"


def page(name: str, values: Mapping[str, str]) -> str:
    """The page `name` with its `$values` filled in; whatever is not ours must have been escaped by the caller."""
    frame = _template("frame.html")
    return frame.substitute(content=_template(name).substitute(values))


@cache
def _template(name: str) -> Template:
    # Pages are part of the package: they do not change while the server runs.
    return Template(resources.files(FOLDER).joinpath(name).read_text(encoding="utf-8"))
