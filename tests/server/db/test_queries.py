"""Queries are read from their files by name, with their parameters in order."""

from pathlib import Path

import pytest

from horde.server.db.queries import Queries, load

FILE = """
-- name: add_up
-- A sum.
SELECT :first::integer + :second::integer + :first::integer;

-- name: touch!
-- An effect.
UPDATE things SET at = :now WHERE id = :id;

-- name: quiet
-- Nothing to fill in; colons in 'a :text' and in a cast are no parameters.
SELECT 'a :text'::text;
"""


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Queries:
    """The queries of a feature that has the file above."""
    package = tmp_path / "some_feature"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "queries.sql").write_text(FILE)
    monkeypatch.syspath_prepend(tmp_path)
    return load("some_feature")


def test_queries_are_attributes_by_name(sql: Queries) -> None:
    assert [query.name for query in sql] == ["add_up", "quiet", "touch"]
    assert sql.touch.sql.startswith("UPDATE things")


def test_parameters_are_numbered_once_each(sql: Queries) -> None:
    assert sql.add_up.parameters == ("first", "second")
    assert sql.add_up.sql == "SELECT $1::integer + $2::integer + $1::integer;"
    assert sql.touch.parameters == ("now", "id")
    assert sql.quiet.parameters == ()


def test_name_that_is_not_there_is_told_with_those_that_are(sql: Queries) -> None:
    with pytest.raises(AttributeError, match=r"no query 'ad_up'; there are \['add_up', 'quiet', 'touch'\]"):
        _ = sql.ad_up
