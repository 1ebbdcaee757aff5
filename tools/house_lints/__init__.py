"""The rules of the house that no other tool knows, checked with Python's own parser.

One file per subject: `sizes`, `names`, `python_rules` and `sql_rules` each hold functions from the files
of the tree to findings. `python -m tools.house_lints` runs them all.
"""

from collections.abc import Callable, Iterator, Sequence

from tools.house_lints.names import catch_all_names
from tools.house_lints.python_rules import (
    environment_reads,
    sleeping_tests,
    transaction_ends,
    unexplained_inner_imports,
)
from tools.house_lints.sizes import long_files, long_functions
from tools.house_lints.source import Finding, SourceFile
from tools.house_lints.sql_rules import shared_tables, transaction_ends_in_sql, writes_outside_queries

Rule = Callable[[Sequence[SourceFile]], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    catch_all_names,
    long_files,
    long_functions,
    environment_reads,
    transaction_ends,
    transaction_ends_in_sql,
    unexplained_inner_imports,
    sleeping_tests,
    writes_outside_queries,
    shared_tables,
)


def find(files: Sequence[SourceFile]) -> list[Finding]:
    """Every finding of every rule, in the order of path and line."""
    return sorted(finding for rule in RULES for finding in rule(files))
