"""LoRAs and textual inversions that requests name: found, checked, kept, and thrown away when room is needed."""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from horde.worker.backends.base import AddOn
from horde.worker.models.add_ons import AddOns, checksums_in
from horde.worker.models.civitai import Civitai, Wanted
from tests.worker.models.lora_site import Item, LoraSite, serving

DAY_S, HOUR_S = 86_400.0, 3_600.0
INK = Item(model=7, version=70, name="Ink", content=b"ink" * 100, triggers=["inked", "black ink"])
WORD = Item(model=8, version=80, name="Word", content=b"word" * 100, type="TextualInversion")
BARE = Item(model=9, version=90, name="Bare", content=b"bare" * 100, is_nsfw=True, triggers=None)


class Clock:
    """A time that tests set."""

    def __init__(self) -> None:
        self.now_s = 1_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site() -> Iterator[LoraSite]:
    with serving(LoraSite(INK, WORD, BARE)) as site:
        yield site


@asynccontextmanager
async def opened(
    site: LoraSite,
    folder: Path,
    *,
    bytes_max: int = 10_000,
    wait_s: float = 60.0,
    allows_nsfw: bool = True,
    token: str = "",
    now_s: Callable[[], float] = time.time,
) -> AsyncIterator[AddOns]:
    civitai = Civitai(site.url, token)
    add_ons = AddOns(folder, civitai, bytes_max=bytes_max, allows_nsfw=lambda: allows_nsfw, wait_s=wait_s, now_s=now_s)
    try:
        yield add_ons
    finally:
        await add_ons.close()


def weights_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*.safetensors"))


def contents(found: tuple[AddOn, ...]) -> list[bytes]:
    return [Path(add_on.path).read_bytes() for add_on in found]


@pytest.mark.parametrize(
    "wanted",
    [Wanted("lora", "7"), Wanted("lora", "70", is_version=True), Wanted("lora", "ink")],
    ids=["model", "version", "name"],
)
async def test_lora_is_found_by_its_number_its_version_and_its_name(
    site: LoraSite, tmp_path: Path, wanted: Wanted
) -> None:
    async with opened(site, tmp_path) as add_ons:
        (found,) = await add_ons.get([wanted])

    assert (found.name, found.is_version, found.triggers) == (wanted.name, wanted.is_version, ("inked", "black ink"))
    assert contents((found,)) == [INK.content]


async def test_textual_inversion_is_found_among_its_like_alone(site: LoraSite, tmp_path: Path) -> None:
    async with opened(site, tmp_path) as add_ons:
        assert contents(await add_ons.get([Wanted("ti", "word"), Wanted("ti", "8")])) == [WORD.content, WORD.content]
        assert await add_ons.get([Wanted("ti", "7"), Wanted("lora", "word"), Wanted("lora", "8")]) == ()


async def test_what_was_fetched_once_is_there_for_the_next_worker_without_a_call(
    site: LoraSite, tmp_path: Path
) -> None:
    async with opened(site, tmp_path) as add_ons:
        first = await add_ons.get([Wanted("lora", "7")])
    calls = len(site.asked)
    async with opened(site, tmp_path) as add_ons:
        assert await add_ons.get([Wanted("lora", "7")]) == first

    assert len(site.asked) == calls


async def test_newer_version_of_a_model_is_taken_after_a_day_and_one_that_was_named_stays(
    site: LoraSite, tmp_path: Path, clock: Clock
) -> None:
    wanted = [Wanted("lora", "7"), Wanted("lora", "70", is_version=True)]
    async with opened(site, tmp_path, now_s=clock) as add_ons:
        await add_ons.get(wanted)
        site.items.append(Item(model=7, version=71, name="Ink", content=b"better ink"))
        assert contents(await add_ons.get(wanted)) == [INK.content, INK.content]
        clock.now_s += DAY_S + 1

        assert contents(await add_ons.get(wanted)) == [b"better ink", INK.content]
    assert site.asked.count("/model-versions/70") == 1


async def test_what_is_there_is_used_while_the_site_is_down(site: LoraSite, tmp_path: Path, clock: Clock) -> None:
    async with opened(site, tmp_path, now_s=clock) as add_ons:
        await add_ons.get([Wanted("lora", "7")])
        clock.now_s += DAY_S + 1
        site.is_down = True

        assert contents(await add_ons.get([Wanted("lora", "7"), Wanted("ti", "8")])) == [INK.content]


async def test_several_jobs_share_one_download(site: LoraSite, tmp_path: Path) -> None:
    async with opened(site, tmp_path) as add_ons:
        found = await asyncio.gather(*(add_ons.get([Wanted("lora", "7"), Wanted("lora", "7")]) for _ in range(3)))

    assert [contents(each) for each in found] == [[INK.content]] * 3
    assert site.asked == ["/models/7", "/download/70"]


async def test_job_goes_on_without_what_takes_too_long_and_the_next_one_has_it(site: LoraSite, tmp_path: Path) -> None:
    site.goes_on.clear()
    async with opened(site, tmp_path, wait_s=0.01) as add_ons:
        assert await add_ons.get([Wanted("lora", "7")]) == ()
        site.goes_on.set()
        while not (found := await add_ons.get([Wanted("lora", "7")])):
            pass

    assert contents(found) == [INK.content]
    assert site.asked == ["/models/7", "/download/70"]


async def test_the_one_not_wanted_for_longest_makes_room(site: LoraSite, tmp_path: Path, clock: Clock) -> None:
    for number, name in enumerate(("second", "third")):
        site.items.append(Item(model=20 + number, version=200 + number, name=name, content=b"x" * 300))
    async with opened(site, tmp_path, bytes_max=1_000, now_s=clock) as add_ons:
        for name in ("7", "20", "7"):
            await add_ons.get([Wanted("lora", name)])
            clock.now_s += HOUR_S + 1
        assert len(await add_ons.get([Wanted("lora", "21")])) == 1

        site.is_down = True
        kept = await add_ons.get([Wanted("lora", "7"), Wanted("lora", "21")])
        assert contents(kept) == [INK.content, b"x" * 300]
        assert await add_ons.get([Wanted("lora", "20")]) == ()


async def test_files_are_known_by_their_checksums_as_long_as_they_are_kept(
    site: LoraSite, tmp_path: Path, clock: Clock
) -> None:
    ink, better = (hashlib.sha256(content).hexdigest() for content in (INK.content, b"better ink"))
    async with opened(site, tmp_path, now_s=clock) as add_ons:
        (found,) = await add_ons.get([Wanted("lora", "7")])
        assert checksums_in(tmp_path) == {found.sha256} == {ink}

        site.items.append(Item(model=7, version=71, name="Ink", content=b"better ink"))
        clock.now_s += DAY_S + 1
        (found,) = await add_ons.get([Wanted("lora", "7")])
        assert checksums_in(tmp_path) == {found.sha256} == {better}


async def test_what_a_job_may_still_need_makes_no_room(site: LoraSite, tmp_path: Path) -> None:
    async with opened(site, tmp_path, bytes_max=1_000) as add_ons:
        await add_ons.get([Wanted("lora", "7")])
        site.items.append(Item(model=30, version=300, name="large", content=b"x" * 800))

        assert await add_ons.get([Wanted("lora", "30")]) == ()
        assert len(await add_ons.get([Wanted("lora", "7")])) == 1


@pytest.mark.parametrize(
    "item",
    [
        Item(model=40, version=400, name="odd", content=b"x", file_name="weights.ckpt"),
        Item(model=40, version=400, name="odd", content=b"x", sha256="0" * 64),
        Item(model=40, version=400, name="odd", content=b"x", file_name="../weights.safetensors"),
        Item(model=40, version=400, name="odd", content=b"x", type="Checkpoint"),
        Item(model=40, version=400, name="odd", content=b"x" * 20_000),
    ],
    ids=["format", "checksum", "path", "type", "size"],
)
async def test_file_that_is_not_what_it_should_be_is_not_taken(site: LoraSite, tmp_path: Path, item: Item) -> None:
    site.items.append(item)
    async with opened(site, tmp_path / "in") as add_ons:
        assert await add_ons.get([Wanted("lora", "40")]) == ()

    assert weights_in(tmp_path) == []


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.2", "[::1]", "[::ffff:7f00:2]"])
async def test_file_in_the_owners_own_network_is_not_fetched(site: LoraSite, tmp_path: Path, host: str) -> None:
    """The site itself is in it here, at 127.0.0.1, and from there alone files may come."""
    site.items.append(Item(model=50, version=500, name="near", content=b"x", host=host))
    with capture_logs() as logs:
        async with opened(site, tmp_path) as add_ons:
            assert await add_ons.get([Wanted("lora", "50")]) == ()

    assert "not a public one" in logs[-1]["reason"]


@pytest.mark.parametrize("name", ["../models/7", "7?x=1", "nothing of this name", "", "9" * 200])
async def test_name_that_stands_for_nothing_brings_nothing(site: LoraSite, tmp_path: Path, name: str) -> None:
    async with opened(site, tmp_path) as add_ons:
        assert await add_ons.get([Wanted("lora", name), Wanted("lora", name, is_version=True)]) == ()
    assert set(site.asked) <= {"/models", f"/models/{name}", f"/model-versions/{name}"}
    assert ".." not in "".join(site.asked)


async def test_owner_who_wants_nothing_unsafe_gets_none(site: LoraSite, tmp_path: Path) -> None:
    async with opened(site, tmp_path) as add_ons:
        assert len(await add_ons.get([Wanted("lora", "9")])) == 1
    async with opened(site, tmp_path, allows_nsfw=False) as add_ons:
        assert await add_ons.get([Wanted("lora", "9")]) == ()


async def test_token_goes_along(site: LoraSite, tmp_path: Path) -> None:
    async with opened(site, tmp_path, token="secret") as add_ons:
        await add_ons.get([Wanted("lora", "7")])

    assert site.tokens == {"Bearer secret"}
