"""Pictures that come along are made fit for programs, and bad ones are refused with a reason."""

import io

import pytest
from PIL import Image

from horde.worker.backends.base import BackendFailed, Sources
from horde.worker.backends.image_details import as_preview, as_webp, details_of, first_pass, mask_png, source_png
from tests.worker.backends.programs.scenes import image_order, left_half, picture

SIZE = (128, 64)


def sources(picture: bytes | None, mask: bytes | None = None) -> Sources:
    return Sources(processing="inpainting", picture=picture, mask=mask)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def half_transparent() -> bytes:
    image = Image.new("RGBA", SIZE, (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 64, 64))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


def test_picture_gets_the_size_of_the_order_and_no_transparency() -> None:
    image = opened(source_png(sources(half_transparent()), 64, 192))

    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 192))


def test_mask_of_its_own_wins_and_gets_the_size_of_the_order() -> None:
    content = mask_png(sources(half_transparent(), left_half()), 128, 128)
    assert content is not None
    image = opened(content)

    assert (image.mode, image.size) == ("L", (128, 128))
    assert (image.getpixel((10, 60)), image.getpixel((120, 60))) == (255, 0)


def test_transparent_parts_are_painted_where_there_is_no_mask() -> None:
    content = mask_png(sources(half_transparent()), *SIZE)
    assert content is not None
    image = opened(content)

    assert (image.getpixel((10, 30)), image.getpixel((120, 30))) == (255, 0)


def test_opaque_picture_without_a_mask_has_none() -> None:
    assert mask_png(sources(picture()), *SIZE) is None


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + bytes(40), picture()[:60]])
def test_picture_that_cannot_be_read_is_refused_with_a_reason(content: bytes) -> None:
    with pytest.raises(BackendFailed, match="a picture cannot be read"):
        source_png(sources(content), *SIZE)


def test_missing_picture_is_refused_with_a_reason() -> None:
    with pytest.raises(BackendFailed, match="inpainting needs a picture"):
        source_png(sources(None), *SIZE)


def test_preview_is_a_small_webp_and_a_result_keeps_its_size() -> None:
    large = picture((600, 300))

    assert (opened(as_preview(large)).format, opened(as_preview(large)).size) == ("WEBP", (256, 128))
    assert (opened(as_webp(large)).format, opened(as_webp(large)).size) == ("WEBP", (600, 300))


def test_payload_outside_its_bounds_is_refused_with_a_reason() -> None:
    with pytest.raises(BackendFailed, match=r"the payload cannot be read: .*clip_skip"):
        details_of(image_order("m", clip_skip=99))


@pytest.mark.parametrize(
    ("model", "size", "first"),
    [
        ("Deliberate", (1024, 1024), (512, 512)),
        ("Deliberate", (1536, 768), (1024, 512)),
        ("Deliberate", (512, 1024), (512, 1024)),
        ("SDXL 1.0", (1024, 1024), (1024, 1024)),
        ("SDXL 1.0", (2048, 2048), (1024, 1024)),
    ],
)
def test_first_pass_is_at_the_size_where_the_model_is_at_home(
    model: str, size: tuple[int, int], first: tuple[int, int]
) -> None:
    assert first_pass(image_order(model, size=size), "file.safetensors") == first
