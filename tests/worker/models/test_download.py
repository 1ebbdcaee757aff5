"""Downloads: whole and right or not there at all, going on where they broke off."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from horde.worker.models.download import DownloadFailed, download
from tests.worker.models.hub import Hub, serving

CONTENT = random.Random(1).randbytes(100_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(CONTENT)
    with serving(hub):
        yield hub


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "model.safetensors"


def fetch(hub: Hub, target: Path, sha256: str | None = SHA256, spare_bytes: int = 0) -> str:
    return download(hub.url, target, sha256=sha256, spare_bytes=spare_bytes, pause_s_min=0.001)


def test_file_comes_whole_with_its_checksum_and_leaves_nothing_beside_it(hub: Hub, target: Path) -> None:
    assert fetch(hub, target) == SHA256
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


def test_broken_line_goes_on_where_it_broke(hub: Hub, target: Path) -> None:
    hub.cut_after = [40_000, 30_000]
    told: list[tuple[int, int | None]] = []
    download(hub.url, target, sha256=SHA256, spare_bytes=0, pause_s_min=0.001, told=lambda *at: told.append(at))

    assert hub.ranges == [None, "bytes=40000-", "bytes=70000-"]
    assert target.read_bytes() == CONTENT
    assert told[-1] == (100_000, 100_000)


def test_next_call_goes_on_where_the_last_one_gave_up(hub: Hub, target: Path) -> None:
    hub.cut_after = [40_000]
    hub.later_statuses = [404]
    with pytest.raises(DownloadFailed, match="404"):
        fetch(hub, target)
    fetch(hub, target)

    assert hub.ranges == [None, "bytes=40000-", "bytes=40000-"]
    assert target.read_bytes() == CONTENT


def test_file_that_changed_meanwhile_comes_anew(hub: Hub, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("model.safetensors.part").write_bytes(b"x" * 40_000)
    target.with_name("model.safetensors.part.version").write_text('"zero"')

    fetch(hub, target)
    assert target.read_bytes() == CONTENT


def test_server_that_cannot_go_on_sends_all_again(hub: Hub, target: Path) -> None:
    hub.knows_ranges = False
    hub.cut_after = [40_000]

    fetch(hub, target)
    assert target.read_bytes() == CONTENT


def test_busy_server_is_asked_again(hub: Hub, target: Path) -> None:
    hub.statuses = [503, 500]

    assert fetch(hub, target) == SHA256


def test_wrong_file_is_refused_with_both_checksums_and_what_was_there_stays(hub: Hub, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"the old one")
    with pytest.raises(DownloadFailed, match=f"its SHA-256 is {SHA256}, not {'0' * 64}"):
        fetch(hub, target, "0" * 64)

    assert target.read_bytes() == b"the old one"
    assert list(target.parent.iterdir()) == [target]


def test_disk_without_room_is_seen_before_anything_is_written(hub: Hub, target: Path) -> None:
    with pytest.raises(DownloadFailed, match="it needs 100,000 bytes, and 1,000,000,000,000,000 shall stay free"):
        fetch(hub, target, spare_bytes=10**15)

    assert not list(target.parent.iterdir())


def test_address_without_a_server_fails_and_keeps_the_secret(target: Path) -> None:
    with pytest.raises(DownloadFailed, match="model cannot be fetched: ") as failed:
        download("http://127.0.0.1:9/model?token=secret", target, pause_s_min=0.0001)

    assert "secret" not in str(failed.value)
