"""Which routes the application has, and which test modules speak of one: what the walks over the contracts need."""

import re
from functools import cache
from pathlib import Path

from litestar.routes import HTTPRoute

from horde.server.app import create_app
from horde.server.settings import Settings

FOLDER = Path(__file__).parent
BY_ITSELF = {"OPTIONS", "HEAD"}
"""Methods that nobody writes a handler for."""
BASE = "/api/v2"
"""As long as that of v1."""
PARAMETER = re.compile(r"\{[^}]*\}")

Pair = tuple[str, str]
"""Method and path, with `{}` for each parameter."""


def pairs(base: str, table: dict[str, str]) -> list[Pair]:
    """A table of path -> methods as pairs."""
    return [(method, f"{base}/{path}") for path, methods in table.items() for method in methods.split()]


@cache
def routes() -> frozenset[Pair]:
    """Every route of the application."""
    app = create_app(Settings())
    return frozenset(
        (str(method), PARAMETER.sub("{}", route.path))
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in handler.http_methods
        if method not in BY_ITSELF
    )


def speaking_of(pair: Pair) -> list[str]:
    """The test modules that call a path beginning so with that method: as it stands there, or put onto the base."""
    method, path = pair
    beginning = path.partition("{}")[0].rstrip("/")
    base, tail = beginning[: len(BASE)], beginning[len(BASE) + 1 :]
    calls = (f".{method.lower()}(", f'"{method}"', f'"{method.lower()}"')
    return [
        name
        for name, text in _modules().items()
        if (beginning in text or (f'"{base}/{{' in text and f'"{tail}' in text)) and any(call in text for call in calls)
    ]


@cache
def _modules() -> dict[str, str]:
    files = [file for file in sorted(FOLDER.rglob("test_*.py")) if file.name != "test_contract_routes.py"]
    modules = {str(file.relative_to(FOLDER)): file.read_text(encoding="utf-8") for file in files}
    # What the actors call for a test, the tests that import them speak of.
    for actors in (FOLDER / "actors.py", FOLDER / "v1" / "actors.py"):
        module = ".".join(["tests.api", *actors.relative_to(FOLDER).with_suffix("").parts])
        does = actors.read_text(encoding="utf-8")
        modules = {name: text + (does if f"from {module} import" in text else "") for name, text in modules.items()}
    return modules
