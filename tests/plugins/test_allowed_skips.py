"""In CI a skip is a failure unless its reason is listed; at home it is a skip."""

from pathlib import Path

import pytest

from tests.plugins import allowed_skips

SKIPPING = """
import pytest

@pytest.mark.skip(reason="no browser here")
def test_marked(): ...

def test_called():
    pytest.skip("no GPU here")

@pytest.mark.xfail(reason="known", strict=True)
def test_known():
    raise AssertionError
"""
SKIPPED_MODULE = """
import pytest

pytest.skip("no GPU here", allow_module_level=True)
"""


@pytest.fixture(autouse=True)
def _plugin(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(Path(allowed_skips.__file__).read_text(encoding="utf-8"))


def run(pytester: pytest.Pytester, *reasons: str) -> dict[str, int]:
    pytester.mkdir("tests").joinpath("allowed_skips.txt").write_text("# why\n" + "\n".join(reasons) + "\n")
    return pytester.runpytest_inprocess("-p", "no:asyncio").parseoutcomes()


def test_unlisted_skip_fails_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(SKIPPING)
    assert run(pytester, "no browser here") == {"skipped": 1, "failed": 1, "xfailed": 1}


def test_reason_must_be_listed_exactly(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(SKIPPING)
    assert run(pytester, "no browser", "no GPU here") == {"skipped": 1, "errors": 1, "xfailed": 1}


def test_skipped_module_fails_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(SKIPPED_MODULE)
    assert run(pytester) == {"errors": 1}


def test_listed_skips_are_skips_in_ci(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    pytester.makepyfile(SKIPPING, test_module=SKIPPED_MODULE)
    assert run(pytester, "no browser here", "no GPU here") == {"skipped": 3, "xfailed": 1}


def test_skips_are_skips_at_home(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(SKIPPING)
    assert run(pytester) == {"skipped": 2, "xfailed": 1}
