"""Things that Python code may do in one place only, or only with a reason."""

import ast
import re
from collections.abc import Iterator, Sequence

from tools.house_lints.source import Finding, SourceFile

SETTINGS_FILES = {"src/horde/server/settings.py", "src/horde/worker/settings.py"}
POOL_FILE = "src/horde/server/db/pool.py"

ENVIRONMENT_NAMES = {"environ", "environb", "getenv", "putenv"}
SLEEPERS = {"time", "asyncio", "anyio", "trio"}
TRANSACTION_WORDS = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK|(START|COMMIT|ROLLBACK) TRANSACTION)\s*;?\s*")
TOOL_MARK = re.compile(r"noqa\b[^#]*|type:\s*ignore[^#]*")


def environment_reads(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse the environment to everything but the two settings files, so that no setting is hidden."""
    for file in files:
        if not (file.is_python and file.is_in("src")) or str(file.path) in SETTINGS_FILES:
            continue
        for node in _uses(file.tree, {"os"}, ENVIRONMENT_NAMES):
            yield file.finding(
                node.lineno,
                "the environment is read outside the settings.",
                f"make it a field in {' or '.join(sorted(SETTINGS_FILES))} and hand the value on.",
            )


def transaction_ends(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse to begin or end a transaction by hand: the verb opens one, the pool commits it."""
    for file in files:
        if not (file.is_python and file.is_in("src")) or file.is_migration or str(file.path) == POOL_FILE:
            continue
        words = [s.lineno for s in file.strings() if TRANSACTION_WORDS.fullmatch(str(s.value))]
        for line in [*_commit_calls(file.tree), *words]:
            yield file.finding(
                line,
                f"a transaction begins or ends outside {POOL_FILE}.",
                "open it in the verb with the pool's own context manager; leaving that commits.",
            )


def unexplained_inner_imports(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse an import in a function unless a comment beside or above it says why."""
    for file in files:
        if not file.is_python:
            continue
        imports = _inner_imports(file.tree)
        for line in sorted(imports):
            first = line
            while first - 1 in imports:  # one comment speaks for the imports that follow it without a gap
                first -= 1
            if not any(_is_reason(file.comments.get(at, "")) for at in range(first - 1, line + 1)):
                yield file.finding(
                    line,
                    "an import inside a function gives no reason.",
                    "move it to the top, or say in a comment beside it why it waits (heavy, optional).",
                )


def sleeping_tests(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse tests that wait for time to pass; `asyncio.sleep(0)` only yields to the loop and may stand."""
    for file in files:
        if not (file.is_python and file.is_in("tests")):
            continue
        yielding = {id(n.func) for n in ast.walk(file.tree) if isinstance(n, ast.Call) and _waits_zero(n)}
        for node in _uses(file.tree, SLEEPERS, {"sleep"}):
            if id(node) not in yielding:
                yield file.finding(
                    node.lineno,
                    "a test sleeps.",
                    "pass `now` and call run_once(now); to wait for another process, poll it with stamina.",
                )


def _uses(tree: ast.Module, modules: set[str], names: set[str]) -> Iterator[ast.Attribute | ast.ImportFrom]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in modules and name in names:
                yield node
            case ast.ImportFrom(module=str(module), names=aliases) if module in modules:
                if any(alias.name in names for alias in aliases):
                    yield node
            case _:
                continue


def _commit_calls(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit":
            yield node.lineno


def _inner_imports(tree: ast.Module) -> set[int]:
    functions = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }


def _is_reason(comment: str) -> bool:
    return bool(TOOL_MARK.sub("", comment).strip(" #-:,"))


def _waits_zero(call: ast.Call) -> bool:
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0
