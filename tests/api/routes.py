"""Which routes the application has, and which test modules speak of one: what the walks over the contracts need."""

import ast
import re
from functools import cache
from pathlib import Path

from litestar.routes import HTTPRoute

from horde.server.app import create_app
from horde.server.settings import Settings

FOLDER = Path(__file__).parent
BY_ITSELF = {"OPTIONS", "HEAD"}
"""Methods that nobody writes a handler for."""
BASE = re.compile(r"/api/v\d/\{\}")
"""What a test puts the rest of a path onto."""
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
    """The test modules that have such a path, whatever stands in place of its parameters, and call with that method."""
    method, path = pair
    calls = (f".{method.lower()}(", f'"{method}"', f'"{method.lower()}"')
    return [
        name
        for name, text in _modules().items()
        if any(call in text for call in calls) and any(_is_like(said, path) for said in _paths(text))
    ]


def _is_like(said: str, path: str) -> bool:
    ours, theirs = said.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(
        one == other or "{}" in (one, other) for one, other in zip(ours, theirs, strict=True)
    )


@cache
def _paths(text: str) -> frozenset[str]:
    """The paths in a module, with what it names a path put in and `{}` for whatever else is put in."""
    nodes = list(ast.walk(ast.parse(text)))
    constants: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                constants.update(_assigned(target, node.value, constants))
    texts = {found.partition("?")[0] for node in nodes if (found := _text(node, constants))}
    bases = {found.removesuffix("{}") for found in texts if BASE.fullmatch(found)}
    return frozenset(texts | {base + found for base in bases for found in texts if not found.startswith("/")})


def _assigned(target: ast.expr, value: ast.expr, constants: dict[str, str]) -> dict[str, str]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = zip(target.elts, value.elts, strict=True)
        return {name: text for one, other in pairs for name, text in _assigned(one, other, constants).items()}
    return {target.id: text} if isinstance(target, ast.Name) and (text := _text(value, constants)) else {}


def _text(node: ast.AST, constants: dict[str, str]) -> str:
    """A text as far as it is known; empty for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return ""
    parts = []
    for part in node.values:
        inner = part.value if isinstance(part, ast.FormattedValue) else part
        known = constants.get(inner.id) if isinstance(inner, ast.Name) else _text(inner, constants)
        parts.append(known or "{}")
    return "".join(parts)


@cache
def _modules() -> dict[str, str]:
    files = [file for file in sorted(FOLDER.rglob("test_*.py")) if file.name != "test_contract_routes.py"]
    modules = {str(file.relative_to(FOLDER)): file.read_text(encoding="utf-8") for file in files}
    # What the actors call for a test, the tests that import them speak of.
    for actors in (FOLDER / "actors.py", FOLDER / "v1" / "actors.py"):
        module = ".".join(["tests.api", *actors.relative_to(FOLDER).with_suffix("").parts])
        does = actors.read_text(encoding="utf-8").replace("from __future__ import annotations", "")
        modules = {name: text + (does if f"from {module} import" in text else "") for name, text in modules.items()}
    return modules
