"""Objects are whole or not there, and their keys never become a path of somebody else's choice."""

import asyncio
from pathlib import Path
from uuid import uuid4

import pytest

from horde.errors import ObjectNotFound, StorageFailed
from horde.server.storage.objects import Objects, extra_source_key, job_key, mask_key, owner_of, source_key

ID = "00000000-0000-4000-8000-000000000001"
KEY = job_key(ID)
SECRET = "secret"
FOREIGN_KEYS = [
    "", "picture.webp", f"../{KEY}", f"/{KEY}", f"{KEY}/..", f"a/{KEY}", f"{KEY}\n", f"{KEY}\x00", KEY.upper(),
    KEY.replace("-", "."), KEY.removesuffix(".webp"), f"{'.' * 36}.webp", f"%2e%2e%2f{'a' * 27}.webp",
    "postgres/PG_VERSION", KEY.replace(".", "_src_msk."), KEY.replace(".", "_exra_src_10."), KEY.replace(".", "_."),
]  # fmt: skip


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    """Objects in a folder that is not there yet."""
    (tmp_path / "secret.webp").write_text(SECRET)
    return Objects.in_folder(tmp_path / "deep" / "objects")


async def test_object_is_what_was_put_last(objects: Objects) -> None:
    assert not await objects.exists(KEY)

    await objects.put(KEY, b"one")
    await objects.put(KEY, b"two")

    assert await objects.exists(KEY)
    assert await objects.get(KEY) == b"two"


@pytest.mark.parametrize("key", [source_key(ID), mask_key(ID), extra_source_key(ID, 0), extra_source_key(ID, 4)])
async def test_picture_of_a_request_has_a_key_that_tells_the_request(objects: Objects, key: str) -> None:
    await objects.put(key, b"one")

    assert (await objects.get(key), owner_of(key)) == (b"one", ID)


async def test_object_is_never_seen_in_part(objects: Objects) -> None:
    versions = [bytes([digit]) * 3_000_000 for digit in range(4)]
    await objects.put(KEY, versions[0])

    async def reads() -> list[bytes]:
        return [await objects.get(KEY) for _ in range(8)]

    seen, _ = await asyncio.gather(reads(), asyncio.gather(*[objects.put(KEY, version) for version in versions]))

    assert all(content in versions for content in seen)


async def test_missing_object_is_not_found(objects: Objects) -> None:
    with pytest.raises(ObjectNotFound):
        await objects.get(KEY)


async def test_removing_objects_twice_is_no_error(objects: Objects) -> None:
    other = job_key(str(uuid4()))
    await objects.put(KEY, b"one")
    await objects.put(other, b"two")

    for _ in range(2):
        await objects.delete([KEY, job_key(str(uuid4()))])

    assert (await objects.exists(KEY), await objects.exists(other)) == (False, True)


@pytest.mark.parametrize("key", FOREIGN_KEYS)
async def test_key_that_is_not_ours_reaches_nothing(objects: Objects, key: str) -> None:
    with pytest.raises(ObjectNotFound):
        await objects.get(key)
    with pytest.raises(ObjectNotFound):
        await objects.put(key, b"x")


async def test_failure_of_the_disk_is_told_as_such(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "deep" / "objects" / KEY).mkdir()

    with pytest.raises(StorageFailed):
        await objects.put(KEY, b"x")
    with pytest.raises(StorageFailed):
        await objects.delete([KEY])
