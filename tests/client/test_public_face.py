"""What people import: complete, alike in both colours, and as short as the README promises."""

import inspect
import subprocess
import sys
from pathlib import Path

import horde.client
from horde.client import AsyncHorde, AsyncRequestHandle, Horde, RequestHandle
from tests.plugins.hordes import RunningHorde
from tests.worker.shifts import demo_worker

WORKER_CALLS = {"pop", "deliver", "upload"}
"""Only workers make these, and workers do other things while they wait."""
README = """
from horde.client import Horde
image = Horde("{url}").generate("A horde of stable robots", width=256, height=256).wait().images()[0]
image.save("robots.webp")
"""


def public(kind: type) -> dict[str, list[str]]:
    methods = inspect.getmembers(kind, inspect.isfunction)
    return {name: list(inspect.signature(method).parameters) for name, method in methods if not name.startswith("_")}


def test_public_names_are_those_listed() -> None:
    for name in horde.client.__all__:
        assert getattr(horde.client, name).__doc__ or name.isupper()
    assert sorted(horde.client.__all__) == sorted(set(horde.client.__all__))


def test_both_clients_offer_the_same() -> None:
    waiting, awaited = public(Horde), public(AsyncHorde)

    assert {name: awaited[name] for name in awaited if name not in WORKER_CALLS} == waiting
    assert public(RequestHandle) == public(AsyncRequestHandle)


def test_readme_example_makes_a_picture_without_a_warning(horde: RunningHorde, tmp_path: Path) -> None:
    with demo_worker(horde.url):
        words = [sys.executable, "-X", "dev", "-W", "error", "-c", README.format(url=horde.url)]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "robots.webp").read_bytes()[8:12] == b"WEBP"
