"""Where SQL may write: each table in the `queries.sql` of the one feature that owns it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from tools.house_lints.source import Finding, SourceFile

SERVER = "src/horde/server"
SERVER_DEPTH = 3
"""Parts of a path before the feature's folder."""

# Comments, texts and dollar-quoted bodies are blanked before anything is looked for in a statement.
SILENT = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$", re.DOTALL)
TABLE = r"(?:only\s+)?(?P<table>[a-z_][\w.]*|\"[^\"]+\")"
WRITE = re.compile(
    rf"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE(?:\s+TABLE)?|(?P<before>\w+\s+)?UPDATE)\s+{TABLE}",
    re.IGNORECASE,
)
NO_WRITE_BEFORE_UPDATE = {"for", "key", "do", "on"}
"""FOR UPDATE, FOR NO KEY UPDATE, ON CONFLICT DO UPDATE and ON UPDATE CASCADE name no table of their own."""
WRITE_IN_PYTHON = re.compile(r"\b(?:INSERT INTO|DELETE FROM|MERGE INTO|TRUNCATE|UPDATE\s+[\w.\"]+\s+SET)\b")
TRANSACTION_STATEMENT = re.compile(r"(?:^|;)\s*(BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION)\b", re.I | re.M)


def transaction_ends_in_sql(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse queries that begin or end a transaction."""
    for file in files:
        if file.path.suffix == ".sql" and file.is_in("src") and not file.is_migration:
            text = _spoken(file.text)
            for match in TRANSACTION_STATEMENT.finditer(text):
                yield file.finding(
                    _line(text, match.start(1)),
                    "a query begins or ends a transaction.",
                    "leave it out: the verb opens the transaction, src/horde/server/db/pool.py commits it.",
                )


def writes_outside_queries(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse statements that write and do not stand in a feature's `queries.sql`."""
    hint = "give it a name in the queries.sql of the feature that owns the table, and call that."
    for file in files:
        if not file.is_in("src") or file.is_migration:
            continue
        if file.is_python:
            for string in file.strings():
                if WRITE_IN_PYTHON.search(str(string.value)):
                    yield file.finding(string.lineno, "Python code holds SQL that writes.", hint)
        elif file.path.suffix == ".sql" and file.path.name != "queries.sql":
            for line, table in _writes(file):
                yield file.finding(line, f"{table} is written outside a queries.sql.", hint)


def shared_tables(files: Sequence[SourceFile]) -> Iterator[Finding]:
    """Refuse a table that two features write: only its owner may change it."""
    writes: defaultdict[str, dict[str, tuple[SourceFile, int]]] = defaultdict(dict)
    for file in files:
        if file.path.name == "queries.sql" and file.is_in(SERVER) and not file.is_migration:
            feature = file.path.parts[SERVER_DEPTH]
            for line, table in _writes(file):
                writes[table].setdefault(feature, (file, line))
    for table, by_feature in sorted(writes.items()):
        if len(by_feature) < 2:
            continue
        for feature, (file, line) in sorted(by_feature.items()):
            others = " and ".join(sorted(by_feature.keys() - {feature}))
            yield file.finding(
                line,
                f"{feature} writes the table {table}, which {others} writes too.",
                "give the table one owner; the other feature calls the owner's verb in its transaction.",
            )


def _writes(file: SourceFile) -> Iterator[tuple[int, str]]:
    text = _spoken(file.text)
    for match in WRITE.finditer(text):
        if (match["before"] or "").strip().lower() not in NO_WRITE_BEFORE_UPDATE:
            yield _line(text, match.start("table")), match["table"].strip('"').lower()


def _spoken(text: str) -> str:
    return SILENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
