"""Which route an address belongs to, told before the framework looks: for most of the calls by one look into a dict."""

from __future__ import annotations

import re
from collections.abc import Iterable

from litestar.routes import BaseRoute, HTTPRoute

PLACEHOLDER = re.compile(r"\{[^}]*\}")


class Endpoints:
    """The routes of an application, by address. A route is named by its address with `{}` for its parameters."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._whole: dict[str, str] = {}
        self._with_one_at_the_end: dict[str, str] = {}
        self._others: list[tuple[re.Pattern[str], str]] = []
        for route in routes:
            if isinstance(route, HTTPRoute):
                self._add(route.path)

    def _add(self, path: str) -> None:
        name = PLACEHOLDER.sub("{}", path)
        front, parameter, rest = path.partition("{")
        if not parameter:
            self._whole[path] = name
        elif rest.endswith(":str}") and "{" not in rest:
            self._with_one_at_the_end[front] = name
        else:
            self._others.append((re.compile(_expression(path)), name))

    def of(self, path: str) -> str | None:
        """The name of the route at this address; None where there is none."""
        found = self._whole.get(path) or self._with_one_at_the_end.get(path[: path.rfind("/") + 1])
        if found is None:
            found = next((name for expression, name in self._others if expression.fullmatch(path)), None)
        return found


def _expression(path: str) -> str:
    parts = re.split(r"(\{[^}]*\})", path)
    return "".join(
        re.escape(part) if not part.startswith("{") else ".+" if part.endswith(":path}") else "[^/]+" for part in parts
    )
