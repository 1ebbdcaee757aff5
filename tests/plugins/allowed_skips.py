"""In CI, a skipped test fails unless `tests/allowed_skips.txt` lists its reason.

A skip is a promise that nobody checks; the file makes each one visible and deliberate.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

REASONS_FILE = Path("tests", "allowed_skips.txt")
"""Relative to the root of the run."""


def pytest_configure(config: pytest.Config) -> None:
    """Watch the skips, but only in CI: at home a skip is shown and does no harm."""
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        config.pluginmanager.register(_SkipWatch(_read_reasons(config.rootpath / REASONS_FILE)))


class _SkipWatch:
    def __init__(self, reasons: frozenset[str]) -> None:
        self.reasons = reasons

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        return report if hasattr(report, "wasxfail") else self._judged(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        return self._judged((yield))

    def _judged(self, report: Report) -> Report:
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            if reason not in self.reasons:
                report.outcome = "failed"
                report.longrepr = f"skipped in CI: {reason}\n\nhint: mend it, or list the reason in {REASONS_FILE}"
        return report


def _read_reasons(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))
