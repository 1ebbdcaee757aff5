"""Pictures that no job owns leave after a day; all others stay."""

import base64
import os
import uuid
from pathlib import Path

from horde.server.requests.orphans import delete_orphans
from horde.server.requests.sources import SentSources
from horde.server.requests.submit import submit
from horde.server.storage.objects import job_key, mask_key, source_key
from tests.plugins.hordes import Clock
from tests.server.builders import PICTURE, asked, delivered, draft, leased, user

ANCIENT = (1_000_000_000, 1_000_000_000)


async def stored(clock: Clock, job_id: str, *, is_old: bool) -> Path:
    """The file of a picture that was put aside a moment, or many years, ago."""
    objects = clock.ctx.services.objects
    await objects.put(job_key(job_id), PICTURE)
    path = clock.ctx.services.settings.objects_dir / job_key(job_id)
    if is_old:
        os.utime(path, ANCIENT)
    return path


async def test_old_picture_without_a_job_is_deleted(clock: Clock) -> None:
    path = await stored(clock, str(uuid.uuid4()), is_old=True)

    assert await delete_orphans(clock.ctx) == 1
    assert not path.exists()
    assert await delete_orphans(clock.ctx) == 0


async def test_young_picture_without_a_job_stays(clock: Clock) -> None:
    path = await stored(clock, str(uuid.uuid4()), is_old=False)

    assert await delete_orphans(clock.ctx) == 0
    assert path.exists()


async def test_old_picture_of_a_job_stays(clock: Clock) -> None:
    owner = await user(clock.ctx)
    await asked(clock.ctx, await user(clock.ctx, "Bob"))
    job_id = await leased(clock.ctx, owner)
    await delivered(clock.ctx, owner, job_id)
    path = await stored(clock, job_id, is_old=True)

    assert await delete_orphans(clock.ctx) == 0
    assert path.exists()


async def test_old_picture_that_came_with_a_request_stays_as_long_as_the_request(clock: Clock) -> None:
    sent = SentSources(picture=base64.b64encode(PICTURE).decode())
    accepted = await submit(clock.ctx, await user(clock.ctx), draft(source_processing="img2img"), sent=sent)
    objects = clock.ctx.services.settings.objects_dir
    kept = objects / source_key(accepted.id)
    left = objects / mask_key(str(uuid.uuid4()))
    left.write_bytes(PICTURE)
    for path in (kept, left):
        os.utime(path, ANCIENT)

    assert await delete_orphans(clock.ctx) == 1
    assert (kept.exists(), left.exists()) == (True, False)


async def test_files_that_are_not_pictures_of_ours_are_left_alone(clock: Clock) -> None:
    path = clock.ctx.services.settings.objects_dir / "notes.txt"
    path.write_text("mine")
    os.utime(path, ANCIENT)

    assert await delete_orphans(clock.ctx) == 0
    assert path.exists()


async def test_what_was_half_written_leaves_after_a_day(clock: Clock) -> None:
    folder = clock.ctx.services.settings.objects_dir
    old, young = (folder / f"{job_key(str(uuid.uuid4()))}.0123abcd" for _ in range(2))
    for path in (old, young):
        path.write_bytes(PICTURE)
    os.utime(old, ANCIENT)

    assert await delete_orphans(clock.ctx) == 1
    assert (old.exists(), young.exists()) == (False, True)
