"""Named SQL, read from the `queries.sql` of a feature folder.

aiosql parses the files and numbers the parameters; a `Query` is what is left for `db.pool.Tx` to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import aiosql
from aiosql.adapters.asyncpg import AsyncPGAdapter

QUERIES_FILE = "queries.sql"


@dataclass(frozen=True, slots=True)
class Query:
    """One statement with `$n` in the order of `parameters`."""

    name: str
    sql: str
    parameters: tuple[str, ...]


class Queries:
    """The queries of one feature, as attributes by name: `sql.claim`."""

    def __init__(self, queries: dict[str, Query]) -> None:
        self._queries = queries

    def __getattr__(self, name: str) -> Query:
        """Raises AttributeError for a name that the file does not have."""
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"there is no query {name!r}; there are {sorted(self._queries)}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


def load(package: str) -> Queries:
    """Read the queries of the feature `package` (its dotted name). Reads the file anew at each call."""
    path = Path(str(resources.files(package) / QUERIES_FILE))
    adapter = AsyncPGAdapter()
    parsed = aiosql.from_path(path, lambda: adapter, mandatory_parameters=False)
    queries = {
        name: Query(name, getattr(parsed, name).sql, tuple(adapter.var_sorted[name]))
        for name in parsed.available_queries
        if not name.endswith("_cursor")
    }
    return Queries(queries)
