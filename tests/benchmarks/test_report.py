"""The report keeps its prose, and each table its place."""

from benchmarks.figures import Figure, Figures
from benchmarks.report import table, with_table

NOW = Figures("new", "2 cores", [Figure("enqueue", "enqueue, rate", 4000, "calls/s"), Figure("cycle", "other", 1)])
BEFORE = Figures("old", "2 cores", [Figure("enqueue", "enqueue, rate", 500, "calls/s")])


def test_table_shows_before_beside_now_and_target() -> None:
    shown = table("enqueue", BEFORE, NOW)

    assert "| enqueue, rate | calls/s | 500.0 | 4,000 | ≥ 3,000 |" in shown
    assert "other" not in shown


def test_table_keeps_what_only_the_version_before_could_be_asked() -> None:
    assert "| enqueue, rate | calls/s | 500.0 | — | ≥ 3,000 |" in table("enqueue", BEFORE, Figures("new", "2 cores"))


def test_table_replaces_the_older_one_and_leaves_the_prose() -> None:
    text = (
        "before\n<!-- figures: cycle -->\nold\n<!-- end -->\nbetween\n<!-- figures: hot -->\nhot\n<!-- end -->\nafter"
    )

    filled = with_table(text, "cycle", "new")

    assert filled == text.replace("\nold\n", "\nnew\n")


def test_scenario_without_a_place_is_added_at_the_end() -> None:
    assert with_table("prose", "cycle", "new") == "prose\n\n## cycle\n\n<!-- figures: cycle -->\nnew\n<!-- end -->\n"
