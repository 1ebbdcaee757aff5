"""Pictures: read from an answer, written to a file."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image as Pillow

from horde.client.errors import BadAnswer, PictureGone
from horde.client.images import Image, image_of, link_of
from horde.errors import BadInput
from horde.wire.v2 import Generation
from tests.api.actors import picture


def generation(img: str) -> Generation:
    return Generation(
        worker_id="w",
        worker_name="Worker",
        model="demo",
        state="ok",
        img=img,
        seed="7",
        id="j",
        censored=False,
        gen_metadata=[],
    )


@pytest.fixture
def image() -> Image:
    return image_of(generation("https://elsewhere/a.webp"), picture())


def test_picture_knows_where_it_came_from(image: Image) -> None:
    assert (image.id, image.seed, image.model, image.worker_name) == ("j", "7", "demo", "Worker")


def test_webp_is_written_as_it_came(image: Image, tmp_path: Path) -> None:
    path = image.save(tmp_path / "robots.webp")

    assert path.read_bytes() == picture()


@pytest.mark.parametrize(("name", "expected"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.JPEG", "JPEG")])
def test_suffix_decides_on_the_format(image: Image, tmp_path: Path, name: str, expected: str) -> None:
    with Pillow.open(io.BytesIO(image.save(tmp_path / name).read_bytes())) as written:
        assert written.format == expected
        assert written.size == (64, 64)


@pytest.mark.parametrize("name", ["a.gif", "a"])
def test_unknown_suffix_writes_nothing(image: Image, tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput) as refusal:
        image.save(tmp_path / name)

    assert ".webp, .png" in refusal.value.hint
    assert list(tmp_path.iterdir()) == []


def test_picture_in_the_answer_itself_is_decoded() -> None:
    inline = generation(base64.b64encode(picture()).decode())

    assert link_of(inline) is None
    assert image_of(inline, None).content == picture()


def test_link_is_told_from_a_picture() -> None:
    assert link_of(generation("http://horde/a?b=c")) == "http://horde/a?b=c"


def test_picture_that_is_gone_is_said_to_be() -> None:
    with pytest.raises(PictureGone):
        image_of(generation("N/A"), None)


def test_rubbish_is_no_picture() -> None:
    with pytest.raises(BadAnswer):
        image_of(generation("not base64!"), None)
