"""Writes figures into the tables of REPORT.md, between the marks that belong to each scenario; prose is left alone."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.bench import shown
from benchmarks.figures import Figure, Figures
from benchmarks.targets import target_of


def write_report(path: Path, before: Figures | None, now: Figures) -> None:
    """Fill in the tables of the scenarios that were measured."""
    text = path.read_text(encoding="utf-8")
    for scenario in dict.fromkeys(figure.scenario for figure in now.figures):
        text = with_table(text, scenario, table(scenario, before, now))
    path.write_text(text, encoding="utf-8")


def table(scenario: str, before: Figures | None, now: Figures) -> str:
    """The figures of one scenario, with those of the version before and the targets."""
    lines = [
        f"Before: {before.version if before else '—'}. Now: {now.version}. {now.machine}.",
        "",
        "| figure | unit | before | now | target |",
        "|---|---|---:|---:|---|",
    ]
    for figure in _rows(scenario, before, now):
        was, value = (_shown(run, scenario, figure.name) for run in (before, now))
        target = target_of(scenario, figure.name) or "—"
        lines.append(f"| {figure.name} | {figure.unit} | {was} | {value} | {target} |")
    return "\n".join(lines)


def with_table(text: str, scenario: str, table: str) -> str:
    """The text with the table between `<!-- figures: NAME -->` and `<!-- end -->`; added at the end where they lack."""
    mark, end = f"<!-- figures: {scenario} -->", "<!-- end -->"
    between = re.compile(f"{re.escape(mark)}.*?{re.escape(end)}", re.DOTALL)
    whole = f"{mark}\n{table}\n{end}"
    if between.search(text):
        return between.sub(lambda _: whole, text)
    return f"{text.rstrip()}\n\n## {scenario}\n\n{whole}\n"


def _rows(scenario: str, before: Figures | None, now: Figures) -> list[Figure]:
    """What was measured now, and after it what only the version before could be asked."""
    listed = {
        figure.name: figure for run in (now, before) if run for figure in run.figures if figure.scenario == scenario
    }
    return list(listed.values())


def _shown(run: Figures | None, scenario: str, name: str) -> str:
    value = run.value(scenario, name) if run else None
    return "—" if value is None else shown(value)
