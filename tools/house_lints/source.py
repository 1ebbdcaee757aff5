"""What a rule reads and what it says: source files with their syntax tree and comments, and findings."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

TOP_FOLDERS = ("src", "tests", "tools", "benchmarks", "training", "web")
SUFFIXES = {".py", ".sql", ".ts", ".svelte"}
NOT_OURS = {"node_modules", "dist", "build", "__pycache__", "generated"}


@dataclass(frozen=True, order=True)
class Finding:
    """One breach of one rule, at one line."""

    path: str
    line: int
    sentence: str
    hint: str

    def render(self) -> str:
        """Give the two lines that a person reads; editors jump to the first."""
        return f"{self.path}:{self.line}: {self.sentence}\n    hint: {self.hint}"


@dataclass(frozen=True)
class SourceFile:
    """One file of the tree; `path` is relative to its root, with forward slashes."""

    path: PurePosixPath
    text: str

    @property
    def is_python(self) -> bool:
        """Whether `tree` and `comments` may be asked for."""
        return self.path.suffix == ".py"

    @property
    def is_migration(self) -> bool:
        """Migrations are written once and never changed, so rules of size and place do not bind them."""
        return "migrations" in self.path.parts

    def is_in(self, folder: str) -> bool:
        """Whether the file lies anywhere under a folder, named from the root."""
        return self.path.is_relative_to(folder)

    @cached_property
    def tree(self) -> ast.Module:
        """Parse the file; raises SyntaxError, which ruff has reported better before."""
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def comments(self) -> dict[int, str]:
        """The comment of each line that has one, without its `#`."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}

    def strings(self) -> Iterator[ast.Constant]:
        """Every string constant that is a value, so not the docstrings, which only talk about things."""
        prose = {id(n.value) for n in ast.walk(self.tree) if isinstance(n, ast.Expr)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node

    def finding(self, line: int, sentence: str, hint: str) -> Finding:
        """State a breach in this file."""
        return Finding(str(self.path), line, sentence, hint)


def read_tree(root: Path) -> list[SourceFile]:
    """Every source file of the project under `root`, in the order of their paths. Needs no git."""
    files = []
    for top in TOP_FOLDERS:
        for path in sorted((root / top).rglob("*")):
            relative = PurePosixPath(path.relative_to(root).as_posix())
            if path.suffix in SUFFIXES and path.is_file() and NOT_OURS.isdisjoint(relative.parts):
                files.append(SourceFile(relative, path.read_text(encoding="utf-8")))
    return files
