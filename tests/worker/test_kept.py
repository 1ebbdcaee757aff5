"""Finished results on the disk: what is kept comes back whole, once, and only while its lease lasts."""

from pathlib import Path

import msgspec
import pytest

from horde.worker.backends.base import Picture
from horde.worker.kept import Kept, KeptResult

HORDE, WORKER = "http://horde", "tested worker"
PICTURE = Picture(picture=b"\x00webp\xff", seed=7, state="censored")


def result(
    job_id: str, *, until_s: float = 100.0, horde: str = HORDE, worker: str = WORKER, kind: str = "image"
) -> KeptResult:
    return KeptResult(
        horde=horde,
        worker=worker,
        kind=kind,
        job_id=job_id,
        link=None,
        until_s=until_s,
        result=msgspec.Raw(msgspec.msgpack.encode(PICTURE)),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "kept")


def there(kept: Kept, now_s: float = 50.0) -> list[str]:
    return [one.job_id for one in kept.of(HORDE, WORKER, "image", now_s=now_s)]


def test_result_comes_back_as_it_was_made(kept: Kept) -> None:
    kept.put(result("a"))
    kept.put(result("a"))

    (found,) = kept.of(HORDE, WORKER, "image", now_s=50)
    assert msgspec.msgpack.decode(found.result, type=Picture) == PICTURE


def test_delivered_result_is_gone(kept: Kept) -> None:
    kept.put(result("a"))
    kept.drop("a")
    kept.drop("a")

    assert there(kept) == []


def test_only_the_results_of_this_worker_come_back(kept: Kept) -> None:
    for one in (result("mine"), result("b", horde="http://b"), result("c", worker="c"), result("d", kind="text")):
        kept.put(one)

    assert there(kept) == ["mine"]


def test_result_whose_lease_is_over_is_deleted(kept: Kept) -> None:
    kept.put(result("a", until_s=10))

    assert there(kept) == []
    assert list(kept.folder.iterdir()) == []


def test_broken_file_is_deleted_and_costs_nothing_else(kept: Kept) -> None:
    kept.put(result("a"))
    (kept.folder / "half.result").write_bytes(b"\x81")

    assert there(kept) == ["a"]
    assert len(list(kept.folder.iterdir())) == 1


def test_name_of_a_job_leads_nowhere_else(kept: Kept) -> None:
    kept.put(result("../../outside"))

    assert there(kept) == ["../../outside"]
    assert not (kept.folder.parent / "outside.result").exists()


def test_folder_that_cannot_be_written_costs_only_the_safety(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    kept = Kept(tmp_path / "file" / "kept")
    kept.put(result("a"))
    kept.drop("a")

    assert there(kept) == []
