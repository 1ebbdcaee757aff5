"""The forms that tell something of a picture, in the shapes of the contract (api-v2.md, 5.2)."""

from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, ImageColor

from horde.kinds.alchemy import Form
from horde.worker.backends.alchemy.engine import AlchemyEngine, engine
from horde.worker.backends.alchemy.outlines import vectorized
from horde.worker.backends.alchemy.words import OURS
from horde.worker.backends.base import BackendFailed, FormOrder
from tests.heavy.alchemy.conftest import Cabinet, Do, noise, order_of


def told(engine: AlchemyEngine, form: str, picture: Image.Image) -> object:
    return engine.generate(order_of(form, picture), lambda _progress: None)[0].value


def test_engine_offers_the_forms_for_which_there_are_models_and_no_others(cabinet: Cabinet) -> None:
    everything = engine(device="cpu", options=cabinet.options).load()
    nothing = engine(device="cpu", options={"tiles_max": 4}).load()

    assert set(everything.forms) == {
        "palette", "vectorize", "caption", "describe", "interrogation", "nsfw",
        "RealESRGAN_x4plus", "RealESRGAN_x2plus", "4x_AnimeSharp", "RestoreFormer", "strip_background",
    }  # fmt: skip
    names = {name for part in get_args(Form) for name in (get_args(part) or (part,))}
    assert set(everything.forms) <= names
    assert (nothing.forms, nothing.tiles_max) == (("palette", "vectorize"), 4)


@pytest.mark.parametrize("form", ["caption", "describe"])
def test_caption_and_description_are_the_same_words_of_the_same_picture(do: Do, form: str) -> None:
    picture = noise(70, 50)

    first, second = do(form, picture), do(form, picture)

    assert first.form == form
    assert isinstance(first.value, str)
    assert first.value.strip() == first.value != ""
    assert first == second


def test_description_is_longer_than_a_caption_may_be(do: Do) -> None:
    assert len(str(do("describe", noise(70, 50)).value).split()) > 50


def test_interrogation_tells_the_fittest_words_of_seven_lists(do: Do) -> None:
    lists = do("interrogation", noise(70, 50)).value

    assert isinstance(lists, dict)
    assert set(lists) == {"tags", "sites", "artists", "flavors", "mediums", "movements", "techniques"}
    for name, words in lists.items():
        assert len(words) == 5
        assert {word["text"] for word in words} <= set(OURS[name])
        confidences = [word["confidence"] for word in words]
        assert confidences == sorted(confidences, reverse=True)
        assert all(0 <= confidence <= 1 for confidence in confidences)


def test_interrogation_depends_on_the_picture(do: Do) -> None:
    assert do("interrogation", Image.new("RGB", (50, 50), "red")) != do("interrogation", noise(50, 50))


def test_owners_words_take_the_place_of_ours(cabinet: Cabinet, tmp_path: Path) -> None:
    (tmp_path / "tags.txt").write_text("a stable\n\n  a horde \na stable\n")
    options = {"interrogation": str(cabinet.folder / "clip"), "words": {"tags": str(tmp_path / "tags.txt")}}
    alchemist = engine(device="cpu", options=options)
    alchemist.load()

    lists = told(alchemist, "interrogation", noise(50, 50))

    assert isinstance(lists, dict)
    assert {word["text"] for word in lists["tags"]} == {"a stable", "a horde"}
    assert sum(word["confidence"] for word in lists["tags"]) == pytest.approx(1, abs=1e-3)
    assert lists["mediums"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"smells": "x.txt"}, "there is no list of 'smells'; there are tags, sites"),
        ({"tags": "/nowhere.txt"}, "the list of tags cannot be read: .*nowhere"),
        ({"tags": "/dev/null"}, "the list of tags '/dev/null' is empty"),
    ],
    ids=["unknown", "missing", "empty"],
)
def test_lists_that_cannot_be_used_are_named(cabinet: Cabinet, words: dict[str, str], reason: str) -> None:
    with pytest.raises(BackendFailed, match=reason):
        engine(device="cpu", options={"interrogation": str(cabinet.folder / "clip"), "words": words}).load()


@pytest.mark.parametrize(("model", "is_unsafe"), [("finds_all", True), ("finds_nothing", False)])
def test_classifier_decides_what_is_unsafe(cabinet: Cabinet, model: str, is_unsafe: bool) -> None:
    alchemist = engine(device="cpu", options={"nsfw": str(cabinet.folder / model)})
    alchemist.load()

    assert told(alchemist, "nsfw", noise(40, 40)) is is_unsafe


def test_clip_model_can_decide_what_is_unsafe(cabinet: Cabinet) -> None:
    alchemist = engine(device="cpu", options={"nsfw": str(cabinet.folder / "clip")})
    alchemist.load()

    assert isinstance(told(alchemist, "nsfw", noise(40, 40)), bool)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"caption": "/nowhere"}, "the model at '/nowhere' cannot be loaded to caption with"),
        ({"caption": "finds_all"}, "finds_all' cannot be loaded to caption with"),
        ({"interrogation": "captioner"}, "captioner' is no CLIP model but blip"),
        ({"nsfw": "knows_animals"}, "knows_animals' are cat, dog; none is of explicit"),
        ({"nsfw": "/nowhere"}, "the model at '/nowhere' cannot be loaded to judge with"),
    ],
    ids=["no caption", "no captioner", "no CLIP", "other labels", "no judge"],
)
def test_models_that_cannot_be_used_are_named_at_the_start(
    cabinet: Cabinet, options: dict[str, str], reason: str
) -> None:
    places = {form: place if place[0] == "/" else str(cabinet.folder / place) for form, place in options.items()}

    with pytest.raises(BackendFailed, match=reason):
        engine(device="cpu", options=places).load()


def test_vectors_are_an_svg_of_the_size_of_the_picture(do: Do) -> None:
    picture = Image.new("RGB", (2000, 1000), "white")
    picture.paste("#ff0000", (200, 200, 800, 800))

    svg = do("vectorize", picture).value

    root = ElementTree.fromstring(str(svg))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("2000", "1000", "0 0 1024 512")
    colours = sorted(ImageColor.getrgb(path.get("fill", "")) for path in root)
    assert np.abs(np.array(colours) - [(255, 0, 0), (255, 255, 255)]).max() <= 2


def test_vectors_of_noise_are_bounded() -> None:
    assert len(vectorized(noise(600, 600))) <= 4 * 1024 * 1024


@pytest.mark.parametrize("form", ["palette", "vectorize", "caption", "interrogation", "nsfw"])
@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16", "CMYK"])
def test_pictures_of_all_kinds_and_smallest_size_are_looked_at(do: Do, form: str, mode: str) -> None:
    picture = Image.new(mode, (1, 1))
    if mode == "CMYK":
        picture = picture.convert("RGB")

    assert do(form, picture).picture is None


def test_what_is_no_picture_and_what_is_too_large_is_refused_with_the_size(alchemist: AlchemyEngine) -> None:
    junk = FormOrder(form="palette", picture=b"junk", payload={})

    with pytest.raises(BackendFailed, match="the picture cannot be read"):
        alchemist.generate(junk, lambda _progress: None)
    with pytest.raises(BackendFailed, match="the picture has 2049x2048 pixels; at most 16 squares of 512x512"):
        told(alchemist, "palette", Image.new("L", (2049, 2048)))
    with pytest.raises(BackendFailed, match="there is no form 'aesthetic' here"):
        told(alchemist, "aesthetic", noise(9, 9))
