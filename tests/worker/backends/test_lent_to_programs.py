"""Programs work with what the worker fetched: the requests that name it, and the pictures that the real ones made."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat
from structlog.testing import capture_logs

from horde.worker.backends.base import AddOn, ImageAbilities, Picture
from horde.worker.backends.lent_folder import LentFolder
from tests.worker.backends.programs.fetched import fetched, orders
from tests.worker.backends.programs.recording import HOME, LENT, Body, read
from tests.worker.backends.programs.replay import Replay, replayed
from tests.worker.backends.programs.scenes import FETCHED, PLAYS, Play

VISIBLE = 5
"""Of 255, in each pixel on average."""
FOLDERS = {
    "comfyui": ("models/loras", "models/embeddings"),
    "forge": ("models/Lora", "embeddings"),
    "a1111": ("models/Lora", "embeddings"),
}
"""Of LoRAs and textual inversions, in the folder of each program."""
FORGE_WITH_PORT = b"""{"error": "ResponseValidationError", "detail": "", "body": {"lora_dir": "/home/owner/models/Lora",
"embeddings_dir": "/home/owner/embeddings"}, "message": "1 validation errors: ..."}"""
"""What Forge f2.0.1v1.10.1 answered when it was started with `--port`, with 500; but for other flags."""
BOTH = ["lora", "inversion"]
each_program = pytest.mark.parametrize("name", FOLDERS)


class Home:
    """Where a replayed program lies, and the worker beside it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.play: Play = PLAYS[name]
        self.data = folder / "data"
        self.program = folder / "program"
        self.loras, self.embeddings = (self.program / part for part in FOLDERS[name])
        for place in (self.loras, self.embeddings):
            place.mkdir(parents=True)

    def stem(self, add_on: AddOn) -> str:
        return LentFolder(self.loras, self.data, sees_alike=True).stem(add_on.sha256)

    def settled(self, replay: Replay) -> Any:
        """The back end, for a program that tells of this home and no other."""
        begin = LentFolder(self.loras, self.data, sees_alike=True).stem("0" * 64).removesuffix("0" * 16)
        replay.here = {HOME: str(self.program).encode(), LENT: begin.encode()}
        assert self.play.lending is not None
        return self.play.lending(replay.url, self.data)


@pytest.fixture
def home(name: str, tmp_path: Path) -> Home:
    return Home(name, tmp_path)


@dataclass
class Seen:
    """What a program was asked to make, and what lay in its folders then."""

    want: str
    loras: list[str]
    embeddings: list[str]


@dataclass
class Course:
    """What came of the orders of fetched.py."""

    lora: AddOn
    word: AddOn
    pictures: dict[str, Picture]
    seen: dict[str, Seen]
    asked: list[str]


async def course(home: Home) -> Course:
    seen: list[Seen] = []

    def look(path: str, asked: bytes) -> None:
        if path in ("/prompt", "/sdapi/v1/txt2img"):
            folders = [[file.stem for file in folder.iterdir()] for folder in (home.loras, home.embeddings)]
            seen.append(Seen(json.dumps(json.loads(asked)), *folders))

    pictures: dict[str, Picture] = {}
    async with fetched(home.data) as add_ons, replayed(read(home.play.file(FETCHED))) as replay:
        backend = home.settled(replay)
        replay.seen = look
        await backend.start()
        for name, order in orders(add_ons).items():
            (pictures[name],) = await backend.generate(order, lambda progress: None)
        await backend.close()
    assert replay.unknown == []
    lora, word = add_ons
    return Course(lora, word, pictures, dict(zip(pictures, seen, strict=True)), replay.asked)


@each_program
async def test_lora_lies_in_the_programs_folder_when_it_is_asked_for_by_its_strengths(home: Home, name: str) -> None:
    done = await course(home)

    stem = home.stem(done.lora)
    words = {
        "comfyui": f'"lora_name": "{stem}.safetensors", "strength_model": 0.75, "strength_clip": 0.5',
        "forge": f"<lora:{stem}:te=0.5:unet=0.75>",
        "a1111": f"<lora:{stem}:te=0.5:unet=0.75>",
    }
    assert words[name] in done.seen["lora"].want
    assert "a horde of stable robots, inked" in done.seen["lora"].want
    assert done.seen["lora"].loras == [stem]
    assert done.pictures["lora"].metadata == ()
    assert stem not in done.seen["plain"].want
    assert done.seen["plain"].loras == []


@pytest.mark.parametrize(("name", "begin"), [("comfyui", "embedding:"), ("a1111", "")])
async def test_textual_inversion_lies_there_and_is_a_word_of_the_prompt(home: Home, name: str, begin: str) -> None:
    done = await course(home)

    stem = home.stem(done.word)
    assert f"a horde of stable robots, ({begin}{stem}:1.25)" in done.seen["inversion"].want
    assert done.seen["inversion"].embeddings == [stem]
    assert done.pictures["inversion"].metadata == ()


async def test_web_ui_is_told_to_look_again_for_what_is_new(tmp_path: Path) -> None:
    done = await course(Home("a1111", tmp_path))

    assert [asked for asked in done.asked if "refresh" in asked] == [
        "POST /sdapi/v1/refresh-loras",
        "POST /sdapi/v1/refresh-embeddings",
    ]


async def test_textual_inversion_is_kept_from_forge_which_would_take_its_name_for_words(tmp_path: Path) -> None:
    home = Home("forge", tmp_path)
    with capture_logs() as logs:
        done = await course(home)

    assert done.seen["inversion"].embeddings == []
    assert [remark.value for remark in done.pictures["inversion"].metadata] == ["download_failed"]
    assert "Forge reads them only when it loads a model" in [entry.get("reason") for entry in logs]


@pytest.mark.parametrize(("name", "shown"), [("comfyui", BOTH), ("forge", ["lora"]), ("a1111", BOTH)])
async def test_pictures_of_the_real_program_show_it(home: Home, name: str, shown: list[str]) -> None:
    done = await course(home)

    plain, *changed = (Image.open(io.BytesIO(done.pictures[which].picture)) for which in ("plain", *shown))
    assert min(ImageStat.Stat(plain).stddev) > VISIBLE
    assert [difference(plain, other) > VISIBLE for other in changed] == [True] * len(shown)


def difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@each_program
async def test_program_on_this_machine_is_offered_with_loras_of_the_site(home: Home, name: str) -> None:
    async with replayed(read(home.play.file(FETCHED))) as replay:
        abilities = await offered(home, replay)

    assert abilities.takes_add_ons == (("lora",) if name == "forge" else ("lora", "ti"))
    assert abilities.own_add_ons == ("tiny_lora",)


async def test_forge_tells_its_folders_though_it_fails_over_its_own_flags(tmp_path: Path) -> None:
    home = Home("forge", tmp_path)
    recording = read(home.play.file(FETCHED))
    for exchange in recording.exchanges:
        if exchange.path == "/sdapi/v1/cmd-flags":
            exchange.status, exchange.answered = 500, Body.of(FORGE_WITH_PORT)
    async with replayed(recording) as replay:
        assert (await offered(home, replay)).takes_add_ons == ("lora",)


async def test_web_ui_that_may_be_forge_is_lent_loras_alone(tmp_path: Path) -> None:
    home = Home("a1111", tmp_path)
    recording = read(home.play.file(FETCHED))
    for exchange in recording.exchanges:
        if exchange.path == "/sdapi/v1/options":
            exchange.status = 500
    async with replayed(recording) as replay:
        assert (await offered(home, replay)).takes_add_ons == ("lora",)


@each_program
async def test_files_lent_before_are_no_loras_of_the_owner(home: Home, name: str) -> None:
    recording = read(home.play.file(FETCHED))
    with_lent = [exchange for exchange in recording.exchanges if b"horde-" in exchange.answered.content]
    paths = {exchange.path: exchange.answered for exchange in reversed(with_lent)}
    for exchange in recording.exchanges:
        exchange.answered = paths.get(exchange.path, exchange.answered)
    async with replayed(recording) as replay:
        assert (await offered(home, replay)).own_add_ons == ("tiny_lora",)


async def offered(home: Home, replay: Replay) -> ImageAbilities:
    backend = home.settled(replay)
    await backend.start()
    abilities: ImageAbilities = backend.abilities
    await backend.close()
    return abilities
