"""Hard limits of size. The soft ones, 300 lines a file and 40 a function, are for the reader to judge."""

import ast
from collections.abc import Iterator, Sequence

from tools.house_lints.source import Finding, SourceFile

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
"""From the line of its `def` to its last one: what fits on a screen."""


def long_files(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse a file that no longer has one subject."""
    for file in files:
        lines = len(file.text.splitlines())
        if lines > FILE_LINES_MAX and not file.is_migration:
            yield file.finding(
                lines,
                f"the file has {lines} lines; the limit is {FILE_LINES_MAX}.",
                "split it by subject; each part is one noun or one verb.",
            )


def long_functions(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse a function that does not fit on a screen."""
    for file in files:
        if not file.is_python or file.is_migration:
            continue
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    yield file.finding(
                        node.lineno,
                        f"{node.name}() has {lines} lines; the limit is {FUNCTION_LINES_MAX}.",
                        "decide above, compute below: move the pure parts into functions of their own.",
                    )
